using System.Text.Json;
using System.Text.Json.Serialization;

namespace KvmBackup.Persisting;

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
