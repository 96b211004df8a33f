using System.Text.Json;
using System.Text.Json.Serialization;

namespace KvmBackup.Persisting;

/// <summary>The JSON format of this program's files, with strict reading.</summary>
public static class StrictJson
{
    /// <summary>
    /// Snake case, indented; every property is required, unknown and duplicate ones are refused, null only where the
    /// type
    /// allows it.
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
            // Keeps the names of guests readable; the files are never part of a web page.
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
    /// Reads the version of a document before its other properties: a newer version may have unknown ones.
    /// </summary>
    /// <exception cref="JsonException">It is not a JSON object, or has no such number.</exception>
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

/// <summary>Converts a value to and from one JSON string, and checks it when it is read.</summary>
/// <param name="parse">Returns null or throws <see cref="ModelException"/> for an invalid text.</param>
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

/// <summary>Converts an enumeration to and from lower-case words; numbers and lists are refused.</summary>
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

        throw new JsonException($"'{word}' is not one of {string.Join(", ", Words.Values)}");
    }

    public override void Write(Utf8JsonWriter writer, TEnum value, JsonSerializerOptions options) =>
        writer.WriteStringValue(Words[value]);
}
