using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace KvmBackup.Storage;

/// <summary>
/// A list of rows of whole numbers on one line, <c>[[0,65536],[131072,4096]]</c>: a fragmented disk has a hundred
/// thousand
/// of them.
/// </summary>
/// <param name="width">Number of columns.</param>
/// <param name="expected">The error message for anything else.</param>
/// <param name="read">Converts a row to an item; null for invalid numbers.</param>
/// <param name="write">Converts an item to a row.</param>
internal sealed class NumberRowsConverter<T>(
    int width, string expected, Func<long[], T?> read, Func<T, long[]> write) : JsonConverter<IReadOnlyList<T>>
    where T : struct
{
    public override IReadOnlyList<T> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        Expect(reader.TokenType == JsonTokenType.StartArray);
        List<T> items = [];
        long[] row = new long[width];
        while (reader.Read() && reader.TokenType == JsonTokenType.StartArray)
        {
            for (int index = 0; index < width; index++)
            {
                Expect(reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out row[index]));
            }

            Expect(reader.Read() && reader.TokenType == JsonTokenType.EndArray);
            items.Add(read(row) ?? throw new JsonException(expected));
        }

        Expect(reader.TokenType == JsonTokenType.EndArray);
        return items;
    }

    public override void Write(Utf8JsonWriter writer, IReadOnlyList<T> value, JsonSerializerOptions options)
    {
        StringBuilder text = new("[");
        foreach (T item in value)
        {
            string comma = text.Length > 1 ? "," : string.Empty;
            string row = string.Join(
                ',', write(item).Select(number => number.ToString(CultureInfo.InvariantCulture)));
            _ = text.Append(comma).Append('[').Append(row).Append(']');
        }

        writer.WriteRawValue(text.Append(']').ToString(), skipInputValidation: true);
    }

    private void Expect(bool isValid)
    {
        if (!isValid)
        {
            throw new JsonException(expected);
        }
    }
}
