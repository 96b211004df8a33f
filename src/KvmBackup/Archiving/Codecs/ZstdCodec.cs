namespace KvmBackup.Archiving.Codecs;

/// <summary>
/// Zstandard by libzstd: one frame for each chunk, with content size and checksum. Its two contexts are made once and
/// used for all chunks of a worker.
/// </summary>
public sealed class ZstdCodec : ICodec
{
    private readonly int level;
    private nint compressor;
    private nint decompressor;

    /// <exception cref="ArchivingException">libzstd is not on this host.</exception>
    public ZstdCodec(int level)
    {
        this.level = level;
        try
        {
            // The cheaper of the two also proves that the library is there.
            decompressor = ZstdLibrary.CreateDecompressor();
        }
        catch (DllNotFoundException failure)
        {
            throw new ArchivingException(
                $"The library {ZstdLibrary.Name} is not on this host. Install the package libzstd1 (Debian) or libzstd "
                + "(Fedora); to write, 'compression: gzip' does without it.",
                innerException: failure);
        }

        EnsureMade(decompressor);
    }

    ~ZstdCodec() => Free();

    public ValueTask<ReadOnlyMemory<byte>> CompressAsync(
        ReadOnlyMemory<byte> chunk, Memory<byte> room, CancellationToken cancellationToken)
    {
        if (compressor == 0)
        {
            compressor = ZstdLibrary.CreateCompressor();
            EnsureMade(compressor);
            EnsureDone(ZstdLibrary.SetParameter(compressor, ZstdLibrary.CompressionLevel, level));
            EnsureDone(ZstdLibrary.SetParameter(compressor, ZstdLibrary.ChecksumFlag, 1));
        }

        nuint length = EnsureDone(ZstdLibrary.Compress(
            compressor, room.Span, (nuint)room.Length, chunk.Span, (nuint)chunk.Length));
        return new(room[..(int)length]);
    }

    public ReadOnlyMemory<byte> Decompress(ReadOnlyMemory<byte> packed, Memory<byte> room)
    {
        nuint length = ZstdLibrary.Decompress(
            decompressor, room.Span, (nuint)room.Length, packed.Span, (nuint)packed.Length);
        if (ZstdLibrary.IsError(length) != 0)
        {
            throw new InvalidDataException($"libzstd says: {ZstdLibrary.ErrorName(length)}");
        }

        return length == (nuint)room.Length
            ? room
            : throw new InvalidDataException($"it unpacks to {length} bytes instead of {room.Length}");
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private static void EnsureMade(nint context)
    {
        if (context == 0)
        {
            throw new ArchivingException("libzstd got no memory for its work. Lower 'threads' or the level.");
        }
    }

    private static nuint EnsureDone(nuint result) => ZstdLibrary.IsError(result) == 0
        ? result
        : throw new ArchivingException(
            $"libzstd cannot compress: {ZstdLibrary.ErrorName(result)}. Try another level, or 'compression: gzip'.");

    private void Free()
    {
        // Both functions take a null pointer.
        if (decompressor != 0)
        {
            _ = ZstdLibrary.FreeCompressor(compressor);
            _ = ZstdLibrary.FreeDecompressor(decompressor);
        }

        compressor = decompressor = 0;
    }
}
