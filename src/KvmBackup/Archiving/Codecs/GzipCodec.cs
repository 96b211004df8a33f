using System.IO.Compression;

namespace KvmBackup.Archiving.Codecs;

/// <summary>Gzip within this process, by the zlib of .NET.</summary>
public sealed class GzipCodec(int level) : ICodec
{
    private readonly ZLibCompressionOptions options = new() { CompressionLevel = level };

    public ValueTask<ReadOnlyMemory<byte>> CompressAsync(
        ReadOnlyMemory<byte> chunk, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        using MemoryStream output = GzipMember.Open(buffer[GzipMember.PlainOffset..]);
        using (GZipStream gzip = new(output, options, leaveOpen: true))
        {
            gzip.Write(chunk.Span);
        }

        return new(GzipMember.Seal(buffer, (int)output.Position, chunk.Length));
    }

    public ReadOnlyMemory<byte> Decompress(ReadOnlyMemory<byte> packed, Memory<byte> buffer)
    {
        // GZipStream ignores bytes after the member; the length in the header reveals them.
        if (GzipMember.ReadLength(packed.Span) != packed.Length
            || GzipMember.ContentLength(packed.Span) != buffer.Length)
        {
            throw new InvalidDataException("its header does not match its length");
        }

        using MemoryStream input = GzipMember.Open(packed);
        using GZipStream gzip = new(input, CompressionMode.Decompress);
        int length = gzip.ReadAtLeast(buffer.Span, buffer.Length, throwOnEndOfStream: false);
        // The checksum is verified by a read beyond the content.
        return length == buffer.Length && gzip.ReadByte() < 0
            ? buffer
            : throw new InvalidDataException("it does not unpack to its length");
    }

    public void Dispose()
    {
        // Holds nothing between chunks.
    }
}
