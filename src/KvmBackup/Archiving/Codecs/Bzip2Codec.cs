using System.Buffers;
using KvmBackup.Archiving.Primitives;

namespace KvmBackup.Archiving.Codecs;

/// <summary>A chunk as a bzip2 stream, by libbz2. Concatenated streams are a bzip2 file.</summary>
public sealed class Bzip2Codec : ICodec
{
    private readonly int level;

    /// <param name="level">1 to 9: the size of a block in units of 100 kB.</param>
    /// <exception cref="ArchivingException">libbz2 is not on this host.</exception>
    public Bzip2Codec(int level)
    {
        Bzip2Library.EnsureAvailable();
        this.level = level;
    }

    public ValueTask<ReadOnlyMemory<byte>> CompressAsync(
        ReadOnlyMemory<byte> chunk, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        uint length = (uint)buffer.Length;
        int result = Bzip2Library.Compress(
            buffer.Span, ref length, chunk.Span, (uint)chunk.Length, level, verbosity: 0, workFactor: 0);
        return result == Bzip2Library.Ok
            ? new(buffer[..(int)length])
            : throw new ArchivingException(
                $"libbz2 cannot compress: error {result}. Lower 'threads' or the level, or set 'compression: gzip'.");
    }

    public ReadOnlyMemory<byte> Decompress(ReadOnlyMemory<byte> packed, Memory<byte> buffer) =>
        Read(packed, buffer) == buffer.Length
            ? buffer : throw new InvalidDataException("it does not unpack to its length");

    public void Dispose()
    {
        // Holds nothing between chunks.
    }

    /// <summary>The length of the unpacked content of a stream.</summary>
    /// <param name="packed">The stream.</param>
    /// <param name="limitBytes">The maximum length.</param>
    /// <exception cref="InvalidDataException">The stream is incomplete or damaged, or its content is
    /// longer.</exception>
    internal static int CountContent(ReadOnlyMemory<byte> packed, int limitBytes)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(limitBytes);
        try
        {
            return Read(packed, buffer.AsMemory(0, limitBytes));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Unpacks as much as possible of a damaged or truncated stream.</summary>
    /// <returns>The number of bytes in the buffer.</returns>
    internal static int ReadPrefix(ReadOnlyMemory<byte> packed, Memory<byte> buffer)
    {
        using Bzip2Decompressor stream = new();
        return stream.Run(packed.Span, buffer.Span).Written;
    }

    private static int Read(ReadOnlyMemory<byte> packed, Memory<byte> buffer)
    {
        using Bzip2Decompressor stream = new();
        (int read, int written, int result) = stream.Run(packed.Span, buffer.Span);
        if (result == Bzip2Library.Ok && written == buffer.Length)
        {
            // The buffer is full: only the end of the stream, with its checksum, may follow.
            Span<byte> surplus = stackalloc byte[1];
            (int rest, int more, result) = stream.Run(packed.Span[read..], surplus);
            read += rest;
            if (more > 0)
            {
                throw new InvalidDataException("it unpacks to more than its length");
            }
        }

        return result switch
        {
            Bzip2Library.StreamEnd when read == packed.Length => written,
            Bzip2Library.StreamEnd => throw new InvalidDataException("other bytes follow the bzip2 stream"),
            Bzip2Library.Ok => throw new InvalidDataException("it is an incomplete bzip2 stream"),
            Bzip2Library.OutOfMemory => throw new ArchivingException(
                "libbz2 failed to allocate memory. Lower 'threads'."),
            _ => throw new InvalidDataException($"it is not a valid bzip2 stream: libbz2 reports error {result}"),
        };
    }
}
