using System.IO.Compression;
using KvmBackup.Archiving.Codecs;

namespace KvmBackup.Archiving.Chunks;

/// <summary>Unpacks as much as possible of a damaged or truncated chunk, as tar does. The result is not
/// verified.</summary>
internal static class ChunkPrefix
{
    /// <summary>A small read, because a stream that fails discards the output of the failed read.</summary>
    private const int StepBytes = 512;

    /// <param name="method">The compression of the chunk.</param>
    /// <param name="packed">Its bytes, as many as there are.</param>
    /// <param name="buffer">Receives the content.</param>
    /// <returns>The number of bytes in the buffer.</returns>
    public static int Unpack(CompressionMethod method, ReadOnlyMemory<byte> packed, Memory<byte> buffer)
    {
        switch (method)
        {
            case CompressionMethod.None:
                int length = Math.Min(packed.Length, buffer.Length);
                packed[..length].CopyTo(buffer);
                return length;
            case CompressionMethod.Zstd:
                return UnpackZstd(packed, buffer);
            case CompressionMethod.Bzip2:
                return Bzip2Codec.ReadPrefix(packed, buffer);
            default:
                return packed.Length <= GzipMember.HeaderBytes
                    ? 0 : UnpackDeflate(packed[GzipMember.HeaderBytes..], buffer);
        }
    }

    private static int UnpackDeflate(ReadOnlyMemory<byte> packed, Memory<byte> buffer)
    {
        int filled = 0;
        try
        {
            using DeflateStream stream = new(GzipMember.Open(packed), CompressionMode.Decompress);
            while (filled < buffer.Length)
            {
                int count = stream.Read(buffer.Span.Slice(filled, Math.Min(StepBytes, buffer.Length - filled)));
                if (count == 0)
                {
                    break;
                }

                filled += count;
            }
        }
        catch (InvalidDataException)
        {
            // The damage begins here; the content before it is kept.
        }

        return filled;
    }

    private static int UnpackZstd(ReadOnlyMemory<byte> packed, Memory<byte> buffer)
    {
        using ZstdDecompressor context = ZstdLibrary.CreateDecompressor();
        using System.Buffers.MemoryHandle source = packed.Pin();
        using System.Buffers.MemoryHandle destination = buffer.Pin();
        ZstdLibrary.Buffer input = ZstdLibrary.Buffer.Of(source, packed.Length);
        ZstdLibrary.Buffer output = ZstdLibrary.Buffer.Of(destination, buffer.Length);
        while (input.Position < input.Size && output.Position < output.Size)
        {
            (nuint read, nuint written) = (input.Position, output.Position);
            nuint result = ZstdLibrary.DecompressStream(context, ref output, ref input);
            bool isStuck = input.Position == read && output.Position == written;
            if (result == 0 || ZstdLibrary.IsError(result) != 0 || isStuck)
            {
                break;
            }
        }

        return (int)output.Position;
    }
}
