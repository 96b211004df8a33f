using System.Text.Json;

namespace KvmBackup.Ceph;

/// <summary>Reads the JSON that <c>rbd</c> prints. Unknown fields are ignored; known fields must be valid.</summary>
internal static class RbdJson
{
    public static RbdImageFacts Image(string json, RbdLocation location) => Read(location, () =>
    {
        using JsonDocument document = JsonDocument.Parse(json);
        JsonElement image = document.RootElement;
        HashSet<string?> features = [.. Texts(image, "features")];
        HashSet<string?> flags = [.. Texts(image, "flags")];
        bool hasParent = image.TryGetProperty("parent", out JsonElement parent);
        bool hasFastDiff = features.Contains("fast-diff");
        return new RbdImageFacts(
            Text(image, "id"), Size(image, "size", 0), Size(image, "object_size", 1), hasFastDiff,
            hasFastDiff && !flags.Contains("fast diff invalid") && !flags.Contains("object map invalid"),
            hasParent ? new RbdImage(Text(parent, "pool"), Space(parent), Text(parent, "image")) : null,
            hasParent ? Text(parent, "snapshot") : null)
        {
            IsReadByObjectMap = features.Contains("object-map") && !flags.Contains("object map invalid"),
        };
    });

    public static IReadOnlyList<RbdSnapshot> Snapshots(string json, RbdLocation location) => Read(location, () =>
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return document.RootElement.EnumerateArray().Select(one => new RbdSnapshot(
            Size(one, "id", 0), Text(one, "name"), Size(one, "size", 0), Flag(one.GetProperty("protected")))).ToList();
    });

    /// <summary>The addresses of the clients that have an image open.</summary>
    public static IReadOnlyList<string> Watchers(string json, RbdLocation location) => Read(location, () =>
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return document.RootElement.GetProperty("watchers").EnumerateArray().Select(one => Text(one, "address"))
            .ToList();
    });

    public static IReadOnlyList<string> Names(string json, RbdLocation location) => Read(location, () =>
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return document.RootElement.EnumerateArray()
            .Select(one => one.GetString() is { Length: > 0 } name
                ? name : throw new JsonException("an image has no name"))
            .ToList();
    });

    /// <summary>Reads a diff token by token, because it can be long.</summary>
    public static IReadOnlyList<ImageChange> Changes(
        ReadOnlyMemory<byte> json, RbdLocation location) => Read(location, () =>
    {
        Utf8JsonReader reader = new(json.Span);
        List<ImageChange> changes = [];
        Expect(ref reader, JsonTokenType.StartArray);
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            changes.Add(Change(ref reader));
        }

        return reader.TokenType == JsonTokenType.EndArray && !reader.Read()
            ? changes
            : throw new JsonException("it is not a list of changes");
    });

    private static ImageChange Change(ref Utf8JsonReader reader)
    {
        long? offset = null;
        long? length = null;
        bool? isData = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string? name = reader.GetString();
            reader.Read();
            switch (name)
            {
                case "offset":
                    offset = reader.GetInt64();
                    break;
                case "length":
                    length = reader.GetInt64();
                    break;
                case "exists":
                    isData = Flag(
                        reader.TokenType == JsonTokenType.String ? reader.GetString() : null, reader.TokenType);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return offset is not null && length is not null && isData is not null
            ? new ImageChange(offset.Value, length.Value, isData.Value)
            : throw new JsonException("a change lacks 'offset', 'length' or 'exists'");
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type)
    {
        if (!reader.Read() || reader.TokenType != type)
        {
            throw new JsonException($"it does not begin with {type}");
        }
    }

    private static bool Flag(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => Flag(value.GetString(), JsonTokenType.String),
    };

    // Pacific prints the strings "true" and "false" instead of JSON's literals.
    private static bool Flag(string? word, JsonTokenType type) => (word, type) switch
    {
        (_, JsonTokenType.True) or ("true", _) => true,
        (_, JsonTokenType.False) or ("false", _) => false,
        _ => throw new JsonException($"'{word}' is neither true nor false"),
    };

    private static IEnumerable<string?> Texts(JsonElement element, string name) =>
        element.GetProperty(name).EnumerateArray().Select(one => one.GetString());

    private static string Text(JsonElement element, string name) =>
        element.GetProperty(name).GetString() is { Length: > 0 } text ? text
            : throw new JsonException($"it has no {name}");

    private static string? Space(JsonElement parent) =>
        parent.TryGetProperty("pool_namespace", out JsonElement space) ? space.GetString() : null;

    private static long Size(JsonElement element, string name, long least) =>
        element.GetProperty(name).GetInt64() is long size && size >= least
            ? size
            : throw new JsonException($"its {name} is invalid");

    private static T Read<T>(RbdLocation location, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException
            or KeyNotFoundException or FormatException or ModelException)
        {
            throw new CephException(
                $"The output of rbd for {location} cannot be parsed: {failure.Message.TrimEnd('.')}. Which version is "
                + "it? `rbd --version`",
                ExitCode.Failed, failure);
        }
    }
}
