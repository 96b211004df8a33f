using System.Text.Json;
using System.Text.Json.Serialization;
using KvmBackup.Model;

namespace KvmBackup.Persisting;

/// <summary>How every file of ours is written as JSON, and how strictly it is read back.</summary>
public static class HouseJson
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
