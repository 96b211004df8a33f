using System.Text.Json;
using System.Text.Json.Serialization;

namespace KvmBackup.Storage;

/// <summary>A duration as a number of seconds with its fraction, exact to the tick.</summary>
internal sealed class SecondsConverter : JsonConverter<TimeSpan>
{
    public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.Number || !reader.TryGetDecimal(out decimal seconds)
            || Math.Abs(seconds) >= long.MaxValue / TimeSpan.TicksPerSecond)
        {
            throw new JsonException("expected a number of seconds");
        }

        return TimeSpan.FromTicks((long)(seconds * TimeSpan.TicksPerSecond));
    }

    public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options) =>
        writer.WriteNumberValue((decimal)value.Ticks / TimeSpan.TicksPerSecond);
}
