using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using KvmBackup.Model;

namespace KvmBackup.Storage;

/// <summary>Changes on one line, <c>[[0,65536,1],[131072,4096,0]]</c>: offset, length, and whether there is data.</summary>
internal sealed class ChangeListConverter : JsonConverter<IReadOnlyList<ImageChange>>
{
    public override IReadOnlyList<ImageChange> Read(
        ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        Expect(reader.TokenType == JsonTokenType.StartArray);
        List<ImageChange> changes = [];
        while (reader.Read() && reader.TokenType == JsonTokenType.StartArray)
        {
            long offset = ReadNumber(ref reader);
            long length = ReadNumber(ref reader);
            long isData = ReadNumber(ref reader);
            Expect(isData is 0 or 1 && reader.Read() && reader.TokenType == JsonTokenType.EndArray);
            changes.Add(new ImageChange(offset, length, isData == 1));
        }

        Expect(reader.TokenType == JsonTokenType.EndArray);
        return changes;
    }

    public override void Write(Utf8JsonWriter writer, IReadOnlyList<ImageChange> value, JsonSerializerOptions options)
    {
        StringBuilder text = new("[");
        foreach (ImageChange change in value)
        {
            string comma = text.Length > 1 ? "," : string.Empty;
            _ = text.Append(
                CultureInfo.InvariantCulture, $"{comma}[{change.OffsetBytes},{change.LengthBytes},{(change.IsData ? 1 : 0)}]");
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
            throw new JsonException("expected changes as [[offset,length,1],...]");
        }
    }
}
