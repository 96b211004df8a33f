using KvmBackup.Archiving.Checksums;
using KvmBackup.Archiving.Codecs;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Archiving.Chunks;

/// <summary>Reads, verifies and unpacks the chunks of one archive file. Faults are returned, not thrown.</summary>
internal sealed class ChunkFile(SafeFileHandle archive, ArchiveIndex index)
{
    /// <param name="chunk">Its number.</param>
    /// <param name="bytes">A buffer of the chunk's length in the file.</param>
    /// <param name="cancellationToken">Stops promptly.</param>
    /// <returns>The reason why it cannot be read; null on success.</returns>
    public async ValueTask<string?> ReadAsync(int chunk, Memory<byte> bytes, CancellationToken cancellationToken)
    {
        long offset = index.Chunks[chunk].OffsetBytes;
        try
        {
            while (!bytes.IsEmpty)
            {
                int length = await RandomAccess.ReadAsync(archive, bytes, offset, cancellationToken);
                if (length == 0)
                {
                    return "the file ends here";
                }

                offset += length;
                bytes = bytes[length..];
            }

            return null;
        }
        catch (IOException failure)
        {
            // A bad sector affects its chunk only, not the rest of the archive.
            return $"the file cannot be read here ({failure.Message})";
        }
    }

    /// <summary>Reads as much of a chunk as possible.</summary>
    /// <returns>The number of bytes.</returns>
    public async ValueTask<int> ReadPrefixAsync(int chunk, Memory<byte> bytes, CancellationToken cancellationToken)
    {
        const int stepBytes = 4096;
        int filled = 0;
        try
        {
            while (filled < bytes.Length)
            {
                Memory<byte> step = bytes.Slice(filled, Math.Min(stepBytes, bytes.Length - filled));
                long offset = index.Chunks[chunk].OffsetBytes + filled;
                int length = await RandomAccess.ReadAsync(archive, step, offset, cancellationToken);
                if (length == 0)
                {
                    break;
                }

                filled += length;
            }
        }
        catch (IOException)
        {
            // The chunk is unreadable from a bad sector on; the caller reports the missing part.
        }

        return filled;
    }

    /// <param name="chunk">Its number.</param>
    /// <param name="packed">Its bytes in the file.</param>
    /// <returns>The fault; null when the checksum is right.</returns>
    public string? Verify(int chunk, ReadOnlySpan<byte> packed) =>
        Xxh128.Of(packed) == index.Chunks[chunk].Checksum
            ? null : "the bytes differ from those that were written (their checksum differs)";

    /// <param name="codec">The codec of this thread.</param>
    /// <param name="packed">The bytes in the file.</param>
    /// <param name="buffer">A buffer of the content's length.</param>
    /// <param name="content">The content: in the buffer, or the packed bytes themselves.</param>
    /// <returns>The fault; null on success.</returns>
    public static string? Unpack(
        ICodec codec, ReadOnlyMemory<byte> packed, Memory<byte> buffer, out ReadOnlyMemory<byte> content)
    {
        content = default;
        try
        {
            content = codec.Decompress(packed, buffer);
            return null;
        }
        catch (InvalidDataException failure)
        {
            return $"the chunk cannot be unpacked: {failure.Message}";
        }
    }
}
