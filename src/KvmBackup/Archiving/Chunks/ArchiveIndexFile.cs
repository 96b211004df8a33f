using System.Text.Json;
using System.Text.Json.Serialization;
using KvmBackup.Archiving.Checksums;
using KvmBackup.Archiving.Primitives;

namespace KvmBackup.Archiving.Chunks;

/// <summary>Reads and writes the index file: lengths and checksums, because chunks follow each other without
/// gaps.</summary>
internal static partial class ArchiveIndexFile
{
    /// <summary>The maximum size of an index, sufficient for an archive of about 20 TB.</summary>
    private const long LargestFile = 256L << 20;

    public static async Task WriteAsync(ArchiveIndex index, Stream destination, CancellationToken cancellationToken)
    {
        Content content = new(
            index.FormatVersion,
            index.ChunkSizeBytes,
            index.TarBytes,
            index.SizeBytes,
            [.. index.Chunks.Select(chunk => chunk.LengthBytes)],
            [.. index.Chunks.Select(chunk => Xxh128.Format(chunk.Checksum))]);
        await JsonSerializer.SerializeAsync(destination, content, Json.Default.Content, cancellationToken);
    }

    public static async Task<ArchiveIndex> ReadAsync(Stream source, CancellationToken cancellationToken)
    {
        using MemoryStream bytes = new();
        await CopyAsync(source, bytes, cancellationToken);
        try
        {
            // The version is read first, because a newer version may have other fields.
            bytes.Position = 0;
            Head? head = JsonSerializer.Deserialize(bytes, Json.Default.Head);
            if (head is { FormatVersion: > ArchiveIndex.CurrentFormatVersion })
            {
                throw new ArchivingException(
                    $"The index of the archive has format version {head.FormatVersion}; this program supports up to "
                    + $"{ArchiveIndex.CurrentFormatVersion}. Use the newer program that wrote it.");
            }

            if (head is { FormatVersion: < ArchiveIndex.CurrentFormatVersion })
            {
                throw Damaged($"it has format version {head.FormatVersion}");
            }

            bytes.Position = 0;
            Content? content = JsonSerializer.Deserialize(bytes, Json.Default.Content);
            return content is { FormatVersion: ArchiveIndex.CurrentFormatVersion, Lengths: not null, Xxh128: not null }
                ? ToIndex(content)
                : throw Damaged("values are missing");
        }
        catch (JsonException failure)
        {
            throw Damaged($"it is not the JSON of an index ({failure.Message})", failure);
        }
    }

    private static ArchiveIndex ToIndex(Content content)
    {
        if (content.Lengths!.Count != content.Xxh128!.Count)
        {
            throw Damaged($"it has {content.Lengths.Count} lengths and {content.Xxh128.Count} checksums");
        }

        List<ArchiveChunk> chunks = new(content.Lengths.Count);
        long offset = 0;
        foreach ((int length, string checksum) in content.Lengths.Zip(content.Xxh128))
        {
            UInt128 value = Xxh128.Parse(checksum) ?? throw Damaged($"the chunk at byte {offset} has no checksum");
            chunks.Add(new ArchiveChunk(offset, length, value));
            offset += length;
        }

        ArchiveIndex index = new(content.FormatVersion, content.ChunkSizeBytes, content.TarBytes, chunks);
        index.EnsureSound();
        return index.SizeBytes == content.SizeBytes
            ? index
            : throw Damaged($"the chunks add up to {index.SizeBytes} bytes instead of {content.SizeBytes}");
    }

    private static async Task CopyAsync(Stream source, MemoryStream bytes, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[1 << 16];
        while (await source.ReadAsync(buffer, cancellationToken) is int length and > 0)
        {
            bytes.Write(buffer, 0, length);
            if (bytes.Length > LargestFile)
            {
                throw Damaged($"it is larger than {LargestFile} bytes");
            }
        }
    }

    private static ArchivingException Damaged(string what, Exception? innerException = null) => new(
        $"The index of the archive is damaged: {what}. It can be rebuilt from the archive alone.",
        ExitCode.DamageFound,
        innerException);

    internal sealed record Head(int FormatVersion);

    internal sealed record Content(
        int FormatVersion,
        int ChunkSizeBytes,
        long TarBytes,
        long SizeBytes,
        IReadOnlyList<int>? Lengths,
        IReadOnlyList<string>? Xxh128);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
    [JsonSerializable(typeof(Head))]
    [JsonSerializable(typeof(Content))]
    private sealed partial class Json : JsonSerializerContext;
}
