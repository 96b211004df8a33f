using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using KvmBackup.Model;

namespace KvmBackup.Storage;

/// <summary>Extents on one line, <c>[[0,65536],[131072,4096]]</c>: a fragmented disk has a hundred thousand.</summary>
internal sealed class ExtentListConverter : JsonConverter<IReadOnlyList<Extent>>
{
    public override IReadOnlyList<Extent> Read(
        ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        Expect(reader.TokenType == JsonTokenType.StartArray);
        List<Extent> extents = [];
        while (reader.Read() && reader.TokenType == JsonTokenType.StartArray)
        {
            extents.Add(new Extent(ReadNumber(ref reader), ReadNumber(ref reader)));
            Expect(reader.Read() && reader.TokenType == JsonTokenType.EndArray);
        }

        Expect(reader.TokenType == JsonTokenType.EndArray);
        return extents;
    }

    public override void Write(Utf8JsonWriter writer, IReadOnlyList<Extent> value, JsonSerializerOptions options)
    {
        StringBuilder text = new("[");
        foreach (Extent extent in value)
        {
            string comma = text.Length > 1 ? "," : string.Empty;
            _ = text.Append(CultureInfo.InvariantCulture, $"{comma}[{extent.OffsetBytes},{extent.LengthBytes}]");
        }

        writer.WriteRawValue(text.Append(']').ToString(), skipInputValidation: true);
    }

    private static long ReadNumber(ref Utf8JsonReader reader)
    {
        long number = 0;
        Expect(reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out number));
        return number;
    }

    private static void Expect(bool isAsExpected)
    {
        if (!isAsExpected)
        {
            throw new JsonException("expected extents as [[offset,length],...]");
        }
    }
}
