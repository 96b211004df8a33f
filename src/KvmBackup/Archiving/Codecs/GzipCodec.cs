using System.IO.Compression;

namespace KvmBackup.Archiving.Codecs;

/// <summary>Gzip within this process, by the zlib that .NET brings along.</summary>
public sealed class GzipCodec(int level) : ICodec
{
    private readonly ZLibCompressionOptions options = new() { CompressionLevel = level };

    public ValueTask<ReadOnlyMemory<byte>> CompressAsync(
        ReadOnlyMemory<byte> chunk, Memory<byte> room, CancellationToken cancellationToken)
    {
        using MemoryStream output = GzipMember.Open(room[GzipMember.PlainOffset..]);
        using (GZipStream gzip = new(output, options, leaveOpen: true))
        {
            gzip.Write(chunk.Span);
        }

        return new(GzipMember.Seal(room, (int)output.Position, chunk.Length));
    }

    public ReadOnlyMemory<byte> Decompress(ReadOnlyMemory<byte> packed, Memory<byte> room)
    {
        // GZipStream would pass over rubbish after the member; the length in the header does not.
        if (GzipMember.ReadLength(packed.Span) != packed.Length
            || GzipMember.ContentLength(packed.Span) != room.Length)
        {
            throw new InvalidDataException("its header and its length disagree");
        }

        using MemoryStream input = GzipMember.Open(packed);
        using GZipStream gzip = new(input, CompressionMode.Decompress);
        int length = gzip.ReadAtLeast(room.Span, room.Length, throwOnEndOfStream: false);
        // Only a read beyond the content reaches the checksum of a member that is longer than its end says.
        return length == room.Length && gzip.ReadByte() < 0
            ? room
            : throw new InvalidDataException("it does not unpack to its length");
    }

    public void Dispose()
    {
        // Holds nothing between chunks.
    }
}
