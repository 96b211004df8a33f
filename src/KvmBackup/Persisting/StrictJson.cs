using System.Text.Json;
using System.Text.Json.Serialization;

namespace KvmBackup.Persisting;

/// <summary>How every file of ours is written as JSON, and how strictly it is read back.</summary>
public static class StrictJson
{
    /// <summary>
    /// Snake case, indented; every member is required, an unknown or doubled one is refused, null only where the type
    /// says so.
    /// </summary>
    public static JsonSerializerOptions CreateOptions(params JsonConverter[] converters)
    {
        JsonSerializerOptions options = new()
        {
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
            WriteIndented = true,
            NewLine = "\n",
            IgnoreReadOnlyProperties = true,
            UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
            RespectNullableAnnotations = true,
            RespectRequiredConstructorParameters = true,
            AllowDuplicateProperties = false,
            // Names of guests are for people; nothing of this is ever put into a web page.
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        };
        options.Converters.Add(new TextConverter<DomainName>(text => new DomainName(text), name => name.Value));
        options.Converters.Add(new TextConverter<DiskTarget>(text => new DiskTarget(text), target => target.Value));
        options.Converters.Add(new TextConverter<RbdImage>(RbdImage.Parse, image => image.Spec));
        options.Converters.Add(new TextConverter<BackupId>(
            text => BackupId.TryParse(text, out BackupId? id) ? id : null, id => id.ToString()));
        foreach (JsonConverter converter in converters)
        {
            options.Converters.Add(converter);
        }

        return options;
    }

    /// <summary>
    /// The version of a document, read before anything else of it: a newer one may have members that we do not know.
    /// </summary>
    /// <exception cref="JsonException">It is no JSON object, or has no such number.</exception>
    public static int ReadFormatVersion(ReadOnlySpan<byte> json)
    {
        Utf8JsonReader reader = new(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException("it is not a JSON object");
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isVersion = reader.ValueTextEquals("format_version"u8);
            _ = reader.Read();
            if (isVersion)
            {
                return reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out int version) && version > 0
                    ? version
                    : throw new JsonException("its format_version is not a number above zero");
            }

            reader.Skip();
        }

        throw new JsonException("it has no format_version");
    }
}

/// <summary>A value that stands in JSON as one string, and is checked when it is read.</summary>
/// <param name="parse">Returns null, or throws <see cref="ModelException"/>, for a text that is none.</param>
/// <param name="format">The text of a value.</param>
public sealed class TextConverter<T>(Func<string, T?> parse, Func<T, string> format) : JsonConverter<T>
    where T : class
{
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        string text = reader.TokenType == JsonTokenType.String
            ? reader.GetString()!
            : throw new JsonException($"expected a string, found {reader.TokenType}");
        try
        {
            return parse(text) ?? throw new JsonException($"'{text}' is not a {typeof(T).Name}");
        }
        catch (ModelException failure)
        {
            throw new JsonException(failure.Message, failure);
        }
    }

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
        writer.WriteStringValue(format(value));
}

/// <summary>An enumeration as lower-case words; exactly these words, no numbers and no lists of them.</summary>
public sealed class WordConverter<TEnum> : JsonConverter<TEnum>
    where TEnum : struct, Enum
{
    private static readonly Dictionary<TEnum, string> Words = Enum.GetValues<TEnum>()
        .ToDictionary(value => value, value => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString()));

    public override TEnum Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        string word = reader.TokenType == JsonTokenType.String
            ? reader.GetString()!
            : throw new JsonException($"expected a word, found {reader.TokenType}");
        foreach ((TEnum value, string known) in Words)
        {
            if (known == word)
            {
                return value;
            }
        }

        throw new JsonException($"'{word}' is none of {string.Join(", ", Words.Values)}");
    }

    public override void Write(Utf8JsonWriter writer, TEnum value, JsonSerializerOptions options) =>
        writer.WriteStringValue(Words[value]);
}
