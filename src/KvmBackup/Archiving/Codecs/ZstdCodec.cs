using KvmBackup.Archiving.Primitives;

namespace KvmBackup.Archiving.Codecs;

/// <summary>
/// Zstandard by libzstd: one frame for each chunk, with content size and checksum. The two contexts are reused for all
/// chunks of a worker.
/// </summary>
public sealed class ZstdCodec : ICodec
{
    private readonly int level;
    private readonly ZstdDecompressor decompressor;
    private ZstdCompressor? compressor;

    /// <exception cref="ArchivingException">libzstd is not on this host.</exception>
    public ZstdCodec(int level)
    {
        this.level = level;
        try
        {
            // The cheaper of the two contexts; creating it also verifies that the library is available.
            decompressor = ZstdLibrary.CreateDecompressor();
        }
        catch (DllNotFoundException failure)
        {
            throw new ArchivingException(
                $"The library {ZstdLibrary.Name} is not on this host. Install the package libzstd1 (Debian) or libzstd "
                + "(Fedora); to write backups without it, set 'compression: gzip'.",
                innerException: failure);
        }

        EnsureCreated(decompressor.IsInvalid);
    }

    public ValueTask<ReadOnlyMemory<byte>> CompressAsync(
        ReadOnlyMemory<byte> chunk, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        compressor ??= CreateCompressor();
        nuint length = EnsureDone(ZstdLibrary.Compress(
            compressor, buffer.Span, (nuint)buffer.Length, chunk.Span, (nuint)chunk.Length));
        return new(buffer[..(int)length]);
    }

    public ReadOnlyMemory<byte> Decompress(ReadOnlyMemory<byte> packed, Memory<byte> buffer)
    {
        nuint length = ZstdLibrary.Decompress(
            decompressor, buffer.Span, (nuint)buffer.Length, packed.Span, (nuint)packed.Length);
        if (ZstdLibrary.IsError(length) != 0)
        {
            throw new InvalidDataException($"libzstd reports: {ZstdLibrary.ErrorName(length)}");
        }

        return length == (nuint)buffer.Length
            ? buffer
            : throw new InvalidDataException($"it unpacks to {length} bytes instead of {buffer.Length}");
    }

    public void Dispose()
    {
        compressor?.Dispose();
        decompressor.Dispose();
    }

    private ZstdCompressor CreateCompressor()
    {
        ZstdCompressor created = ZstdLibrary.CreateCompressor();
        EnsureCreated(created.IsInvalid);
        EnsureDone(ZstdLibrary.SetParameter(created, ZstdLibrary.CompressionLevel, level));
        EnsureDone(ZstdLibrary.SetParameter(created, ZstdLibrary.ChecksumFlag, 1));
        return created;
    }

    private static void EnsureCreated(bool isInvalid)
    {
        if (isInvalid)
        {
            throw new ArchivingException("libzstd failed to allocate memory. Lower 'threads' or the level.");
        }
    }

    private static nuint EnsureDone(nuint result) => ZstdLibrary.IsError(result) == 0
        ? result
        : throw new ArchivingException(
            $"libzstd cannot compress: {ZstdLibrary.ErrorName(result)}. Try another level, or 'compression: gzip'.");
}
