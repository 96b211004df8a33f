using KvmBackup.Archiving.Checksums;
using KvmBackup.Archiving.Codecs;
using KvmBackup.Archiving.Primitives;
using KvmBackup.Archiving.Tar;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Archiving.Chunks;

/// <summary>
/// The positions of the chunks of an archive, for reads at any offset and on all cores. It is a file beside the archive
/// and can be rebuilt from it.
/// </summary>
/// <param name="FormatVersion">A reader refuses any other.</param>
/// <param name="ChunkSizeBytes">The size of each chunk before compression; the last may be shorter.</param>
/// <param name="TarBytes">Size of the tar stream.</param>
/// <param name="Chunks">In order, without gaps.</param>
public sealed record ArchiveIndex(
    int FormatVersion, int ChunkSizeBytes, long TarBytes, IReadOnlyList<ArchiveChunk> Chunks)
{
    public const int CurrentFormatVersion = 2;

    internal const int LargestChunkBytes = 64 << 20;

    /// <summary>Size of the archive.</summary>
    public long SizeBytes => Chunks.Count == 0 ? 0 : Chunks[^1].EndBytes;

    /// <summary>Rebuilds the index from the archive alone, chunk by chunk; reads all of it.</summary>
    /// <exception cref="ArchivingException">The file is truncated, damaged, or from another program.</exception>
    public static Task<ArchiveIndex> RebuildAsync(
        SafeFileHandle archive, CompressionMethod method, CancellationToken cancellationToken) =>
        RebuildAsync(archive, method, ChunkSize.DefaultBytes, cancellationToken);

    /// <summary>The same with another default chunk size, which an archive of one chunk does not reveal.</summary>
    public static Task<ArchiveIndex> RebuildAsync(
        SafeFileHandle archive, CompressionMethod method, int usualChunkBytes, CancellationToken cancellationToken) =>
        new ArchiveIndexRebuild(archive, method, usualChunkBytes).RunAsync(cancellationToken);

    /// <summary>Rebuilds as much of the index as possible from a damaged archive.</summary>
    /// <param name="archive">Open for reading; the caller disposes it.</param>
    /// <param name="method">The compression of the chunks.</param>
    /// <param name="usualChunkBytes">The default chunk size.</param>
    /// <param name="tarBytes">Size of the tar stream when it was written; 0 when unknown.</param>
    /// <param name="cancellationToken">Stops promptly.</param>
    /// <exception cref="ArchivingException">The values are not those of a valid archive.</exception>
    public static Task<ArchiveIndex> SalvageAsync(
        SafeFileHandle archive, CompressionMethod method, int usualChunkBytes, long tarBytes,
        CancellationToken cancellationToken) =>
        new ArchiveIndexRebuild(archive, method, usualChunkBytes).SalvageAsync(tarBytes, cancellationToken);

    /// <summary>Reads the output of <see cref="WriteToAsync"/> and checks every value.</summary>
    /// <exception cref="ArchivingException">It is damaged, or of a newer version.</exception>
    public static Task<ArchiveIndex> ReadFromAsync(Stream source, CancellationToken cancellationToken) =>
        ArchiveIndexFile.ReadAsync(source, cancellationToken);

    /// <summary>Writes it as JSON on one line.</summary>
    public Task WriteToAsync(Stream destination, CancellationToken cancellationToken) =>
        ArchiveIndexFile.WriteAsync(this, destination, cancellationToken);

    /// <summary>The same index for a longer stream: missing chunks count as unreadable.</summary>
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

    /// <summary>Checks that all values are consistent, so that users of the index need not.</summary>
    /// <exception cref="ArchivingException">They are not.</exception>
    internal void EnsureSound()
    {
        if (FindFault() is string fault)
        {
            throw new ArchivingException(
                $"The index of the archive is damaged: {fault}. It can be rebuilt from the archive alone.",
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
                return $"the chunk at byte {end} cannot be at {chunk.OffsetBytes} with {chunk.LengthBytes} bytes";
            }

            end = chunk.EndBytes;
        }

        return null;
    }
}

/// <summary>One piece of the archive that is compressed separately.</summary>
/// <param name="OffsetBytes">Its start in the file.</param>
/// <param name="LengthBytes">Its length in the file.</param>
/// <param name="Checksum">The <see cref="Xxh128"/> of these bytes of the file.</param>
public readonly record struct ArchiveChunk(long OffsetBytes, int LengthBytes, UInt128 Checksum)
{
    public long EndBytes => OffsetBytes + LengthBytes;
}
