using System.IO.Compression;
using ICSharpCode.SharpZipLib;
using ICSharpCode.SharpZipLib.BZip2;
using KvmBackup.Archiving.Codecs;

namespace KvmBackup.Archiving.Chunks;

/// <summary>Unpacks as much as can be had of a chunk that is damaged or cut short, as tar does. Nothing of it is proven.</summary>
internal static class ChunkPrefix
{
    /// <summary>A decompressor that fails drops what it made in the same call: so little is asked of it at once.</summary>
    private const int StepBytes = 512;

    /// <param name="method">How the chunk is compressed.</param>
    /// <param name="packed">Its bytes, as many as there are.</param>
    /// <param name="room">Takes the content.</param>
    /// <returns>How much of the room was filled.</returns>
    public static int Unpack(CompressionMethod method, ReadOnlyMemory<byte> packed, Memory<byte> room)
    {
        switch (method)
        {
            case CompressionMethod.None:
                int length = Math.Min(packed.Length, room.Length);
                packed[..length].CopyTo(room);
                return length;
            case CompressionMethod.Zstd:
                return UnpackZstd(packed, room);
            case CompressionMethod.Bzip2:
                return Fill(() => new BZip2InputStream(GzipMember.Open(packed)), room);
            default:
                return packed.Length <= GzipMember.HeaderBytes ? 0
                    : Fill(() => new DeflateStream(GzipMember.Open(packed[GzipMember.HeaderBytes..]), CompressionMode.Decompress), room);
        }
    }

    private static int Fill(Func<Stream> open, Memory<byte> room)
    {
        int filled = 0;
        try
        {
            using Stream stream = open();
            while (filled < room.Length)
            {
                int count = stream.Read(room.Span.Slice(filled, Math.Min(StepBytes, room.Length - filled)));
                if (count == 0)
                {
                    break;
                }

                filled += count;
            }
        }
        catch (Exception failure) when (
            failure is InvalidDataException or SharpZipBaseException or IndexOutOfRangeException or EndOfStreamException)
        {
            // Here the damage begins; what came before it is kept.
        }

        return filled;
    }

    private static int UnpackZstd(ReadOnlyMemory<byte> packed, Memory<byte> room)
    {
        nint context = ZstdLibrary.CreateDecompressor();
        try
        {
            using System.Buffers.MemoryHandle source = packed.Pin();
            using System.Buffers.MemoryHandle destination = room.Pin();
            ZstdLibrary.Buffer input = ZstdLibrary.Buffer.Of(source, packed.Length);
            ZstdLibrary.Buffer output = ZstdLibrary.Buffer.Of(destination, room.Length);
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
        finally
        {
            _ = ZstdLibrary.FreeDecompressor(context);
        }
    }
}
