using System.Text.Json;
using System.Text.Json.Serialization;
using KvmBackup.Persisting;

namespace KvmBackup.Storage;

/// <summary>Writes manifest.json, and reads only valid ones.</summary>
public static class ManifestFile
{
    /// <summary>Ten million extents. A larger file is invalid, and reading it would exhaust the memory.</summary>
    internal const long LargestSizeBytes = 256L << 20;

    private static readonly ManifestJson Json = new(CreateOptions());

    /// <summary>The manifest as JSON.</summary>
    /// <exception cref="StorageException">It could not be read back: a name or number in it is not valid.</exception>
    public static byte[] Format(Manifest manifest)
    {
        if (ManifestRules.FindProblem(manifest) is { } problem)
        {
            throw new StorageException(
                $"The manifest of '{manifest.Domain}' {manifest.Id} cannot be written: {problem}.");
        }

        byte[] json = JsonSerializer.SerializeToUtf8Bytes(manifest, Json.Manifest);
        return json.Length <= LargestSizeBytes
            ? json
            : throw new StorageException(
                $"The manifest of '{manifest.Domain}' {manifest.Id} would have {json.Length} bytes, because its disks "
                + $"have too many extents; the limit is {LargestSizeBytes}. Defragment its images.");
    }

    /// <exception cref="StorageException">Missing, unreadable, damaged, or of another version.</exception>
    public static Manifest Read(string filePath)
    {
        byte[] bytes;
        try
        {
            (byte[]? content, long sizeBytes) = TargetFile.Read(filePath, LargestSizeBytes);
            bytes = content ?? throw Damaged(filePath, $"it has {sizeBytes} bytes, more than a manifest can have");
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new StorageException($"There is no manifest '{filePath}'.", ExitCode.DamageFound, failure);
        }
        catch (Exception failure) when (StorageException.IsExpected(failure))
        {
            throw StorageException.From(failure, $"Cannot read the manifest '{filePath}'");
        }

        return Parse(bytes, filePath);
    }

    /// <exception cref="StorageException">Damaged, or of another version.</exception>
    public static Manifest Parse(ReadOnlySpan<byte> json, string filePath)
    {
        try
        {
            int version = StrictJson.ReadFormatVersion(json);
            if (version != Manifest.CurrentFormatVersion)
            {
                throw StorageException.OtherFormat(filePath, version);
            }

            Manifest manifest = JsonSerializer.Deserialize(json, Json.Manifest)
                ?? throw new JsonException("it is empty");
            return ManifestRules.FindProblem(manifest) is { } problem ? throw Damaged(filePath, problem) : manifest;
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            // Invalid escapes (half a surrogate pair) cause an InvalidOperationException.
            throw Damaged(filePath, failure.Message, failure);
        }
    }

    private static StorageException Damaged(string filePath, string reason, Exception? failure = null) => new(
        $"The manifest '{filePath}' is damaged: {reason.TrimEnd('.')}. Use another backup, or unpack this one with "
            + "tar.",
        ExitCode.DamageFound,
        failure);

    private static JsonSerializerOptions CreateOptions()
    {
        JsonSerializerOptions options = StrictJson.CreateOptions(
            new WordConverter<BackupKind>(),
            new WordConverter<Consistency>(),
            new WordConverter<CompressionMethod>(),
            new WordConverter<RequirementKind>(),
            new NumberRowsConverter<Extent>(
                2, "expected extents as [[offset,length],...]", row => new Extent(row[0], row[1]),
                extent => [extent.OffsetBytes, extent.LengthBytes]),
            new NumberRowsConverter<ImageChange>(
                3, "expected changes as [[offset,length,1],...], 0 for discarded",
                row => row[2] is 0 or 1 ? new ImageChange(row[0], row[1], row[2] == 1) : null,
                change => [change.OffsetBytes, change.LengthBytes, change.IsData ? 1 : 0]),
            new SecondsConverter());
        options.PropertyNamingPolicy = new ManifestNaming();
        return options;
    }
}

/// <summary>The generated serializer of a manifest.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(Manifest))]
internal sealed partial class ManifestJson : JsonSerializerContext;

/// <summary>Snake case, with the unit in the name of a duration.</summary>
internal sealed class ManifestNaming : JsonNamingPolicy
{
    public override string ConvertName(string name) =>
        SnakeCaseLower.ConvertName(name) + (name == nameof(Manifest.FrozenFor) ? "_seconds" : string.Empty);
}

/// <summary>A duration as a number of seconds with a fraction, exact to the tick.</summary>
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
