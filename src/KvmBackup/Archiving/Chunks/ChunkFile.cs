using KvmBackup.Archiving.Checksums;
using KvmBackup.Archiving.Codecs;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Archiving.Chunks;

/// <summary>The chunks of one archive file: reads one, proves it, unpacks it. Faults are told, not thrown.</summary>
internal sealed class ChunkFile(SafeFileHandle archive, ArchiveIndex index)
{
    /// <param name="chunk">Its number.</param>
    /// <param name="bytes">As long as the chunk is in the file.</param>
    /// <returns>Why it cannot be read; null when it was.</returns>
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
            // A bad sector costs its chunk, not the rest of the archive.
            return $"the file cannot be read here ({failure.Message})";
        }
    }

    /// <summary>Reads as much of a chunk as the file gives.</summary>
    /// <returns>How many bytes that is.</returns>
    public async ValueTask<int> ReadPrefixAsync(int chunk, Memory<byte> bytes, CancellationToken cancellationToken)
    {
        const int stepBytes = 4096;
        int filled = 0;
        try
        {
            while (filled < bytes.Length)
            {
                Memory<byte> step = bytes.Slice(filled, Math.Min(stepBytes, bytes.Length - filled));
                int length = await RandomAccess.ReadAsync(archive, step, index.Chunks[chunk].OffsetBytes + filled, cancellationToken);
                if (length == 0)
                {
                    break;
                }

                filled += length;
            }
        }
        catch (IOException)
        {
            // A bad sector ends what can be had of this chunk; the caller reports what is missing.
        }

        return filled;
    }

    /// <param name="chunk">Its number.</param>
    /// <param name="packed">Its bytes in the file.</param>
    /// <returns>Why they are not to be believed; null when they are those that were written.</returns>
    public string? Prove(int chunk, ReadOnlySpan<byte> packed) =>
        Xxh128.Of(packed) == index.Chunks[chunk].Checksum
            ? null : "the bytes are not those that were written (their checksum differs)";

    /// <param name="codec">Of this thread.</param>
    /// <param name="packed">The bytes in the file.</param>
    /// <param name="room">As long as the content.</param>
    /// <param name="content">The content: in the room, or the packed bytes themselves.</param>
    /// <returns>Why it cannot be had; null when it is good.</returns>
    public static string? Unpack(ICodec codec, ReadOnlyMemory<byte> packed, Memory<byte> room, out ReadOnlyMemory<byte> content)
    {
        content = default;
        try
        {
            content = codec.Decompress(packed, room);
            return null;
        }
        catch (InvalidDataException failure)
        {
            return $"the chunk cannot be unpacked: {failure.Message}";
        }
    }
}
