using System.Text.Json;
using System.Text.Json.Serialization;
using KvmBackup.Model;

namespace KvmBackup.Persisting;

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
