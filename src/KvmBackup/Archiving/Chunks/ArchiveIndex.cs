using KvmBackup.Archiving.Checksums;
using KvmBackup.Archiving.Codecs;
using KvmBackup.Archiving.Tar;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Archiving.Chunks;

/// <summary>
/// Where the chunks of an archive lie: what makes it readable at any offset and on all cores. It lies beside the
/// archive and can be made again from it.
/// </summary>
/// <param name="FormatVersion">A reader refuses any other.</param>
/// <param name="ChunkSizeBytes">Of each chunk before compression; the last may be shorter.</param>
/// <param name="TarBytes">Size of the tar stream.</param>
/// <param name="Chunks">In order, without gaps.</param>
public sealed record ArchiveIndex(
    int FormatVersion, int ChunkSizeBytes, long TarBytes, IReadOnlyList<ArchiveChunk> Chunks)
{
    public const int CurrentFormatVersion = 2;

    internal const int LargestChunkBytes = 64 << 20;

    /// <summary>Size of the archive.</summary>
    public long SizeBytes => Chunks.Count == 0 ? 0 : Chunks[^1].EndBytes;

    /// <summary>Makes the index from the archive alone, from chunk to chunk; reads all, unpacks nothing.</summary>
    /// <exception cref="ArchivingException">The file is cut short, damaged, or none of ours.</exception>
    public static Task<ArchiveIndex> RebuildAsync(
        SafeFileHandle archive, CompressionMethod method, CancellationToken cancellationToken) =>
        RebuildAsync(archive, method, ChunkSize.DefaultBytes, cancellationToken);

    /// <summary>The same for another usual size of chunks, which an archive of one chunk does not tell.</summary>
    public static Task<ArchiveIndex> RebuildAsync(
        SafeFileHandle archive, CompressionMethod method, int usualChunkBytes, CancellationToken cancellationToken) =>
        new ArchiveIndexRebuild(archive, method, usualChunkBytes).RunAsync(cancellationToken);

    /// <summary>As much of the index as an archive that is damaged, too, still tells.</summary>
    /// <param name="tarBytes">Size of the tar stream when it was written; 0 when that is not known.</param>
    /// <exception cref="ArchivingException">These values cannot be those of an archive of ours.</exception>
    public static Task<ArchiveIndex> SalvageAsync(
        SafeFileHandle archive, CompressionMethod method, int usualChunkBytes, long tarBytes, CancellationToken cancellationToken) =>
        new ArchiveIndexRebuild(archive, method, usualChunkBytes).SalvageAsync(tarBytes, cancellationToken);

    /// <summary>Reads what <see cref="WriteToAsync"/> wrote and checks every value.</summary>
    /// <exception cref="ArchivingException">It is damaged, or of a newer version.</exception>
    public static Task<ArchiveIndex> ReadFromAsync(Stream source, CancellationToken cancellationToken) =>
        ArchiveIndexFile.ReadAsync(source, cancellationToken);

    /// <summary>Writes it as JSON on one line.</summary>
    public Task WriteToAsync(Stream destination, CancellationToken cancellationToken) =>
        ArchiveIndexFile.WriteAsync(this, destination, cancellationToken);

    /// <summary>The same for a longer stream: what is not there counts as chunks that cannot be read.</summary>
    internal ArchiveIndex Extend(long tarBytes)
    {
        List<ArchiveChunk> chunks = [.. Chunks];
        while ((long)chunks.Count * ChunkSizeBytes < tarBytes)
        {
            chunks.Add(new ArchiveChunk(chunks.Count == 0 ? 0 : chunks[^1].EndBytes, 1, default));
        }

        return this with { TarBytes = Math.Max(TarBytes, tarBytes), Chunks = chunks };
    }

    /// <summary>The length of a chunk before compression.</summary>
    internal int ContentBytes(int chunk) =>
        (int)Math.Min(ChunkSizeBytes, TarBytes - ContentOffset(chunk));

    /// <summary>Where a chunk starts in the tar stream.</summary>
    internal long ContentOffset(int chunk) => (long)chunk * ChunkSizeBytes;

    internal static void EnsureChunkBytes(int chunkBytes)
    {
        if (!AreChunkBytes(chunkBytes))
        {
            throw new ArgumentOutOfRangeException(nameof(chunkBytes), chunkBytes, "Not a size of chunks.");
        }
    }

    /// <summary>Demands that all values fit together, so that whoever uses them need not look again.</summary>
    /// <exception cref="ArchivingException">They do not.</exception>
    internal void EnsureSound()
    {
        if (FindFault() is string fault)
        {
            throw new ArchivingException(
                $"The index of the archive is damaged: {fault}. It can be made again from the archive alone.",
                ExitCode.DamageFound);
        }
    }

    private static bool AreChunkBytes(int bytes) =>
        bytes is >= TarHeader.BlockBytes and <= LargestChunkBytes && bytes % TarHeader.BlockBytes == 0;

    private string? FindFault()
    {
        if (!AreChunkBytes(ChunkSizeBytes))
        {
            return $"chunks of {ChunkSizeBytes} bytes";
        }

        if (TarBytes <= 0 || TarBytes % TarHeader.BlockBytes != 0
            || Chunks.Count != ((TarBytes - 1) / ChunkSizeBytes) + 1)
        {
            return $"{Chunks.Count} chunks of {ChunkSizeBytes} bytes cannot hold {TarBytes} bytes";
        }

        long end = 0;
        foreach (ArchiveChunk chunk in Chunks)
        {
            if (chunk.OffsetBytes != end || chunk.LengthBytes <= 0
                || chunk.LengthBytes > CodecFactory.LongestPacked(ChunkSizeBytes))
            {
                return $"the chunk at byte {end} cannot lie at {chunk.OffsetBytes} with {chunk.LengthBytes} bytes";
            }

            end = chunk.EndBytes;
        }

        return null;
    }
}

/// <summary>One piece of the archive that is compressed on its own.</summary>
/// <param name="OffsetBytes">Where it starts in the file.</param>
/// <param name="LengthBytes">Its length in the file.</param>
/// <param name="Checksum">Of these bytes of the file; see <see cref="Xxh128"/>.</param>
public readonly record struct ArchiveChunk(long OffsetBytes, int LengthBytes, UInt128 Checksum)
{
    public long EndBytes => OffsetBytes + LengthBytes;
}
