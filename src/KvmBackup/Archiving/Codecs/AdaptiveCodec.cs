namespace KvmBackup.Archiving.Codecs;

/// <summary>
/// Spares a codec the chunks whose outcome is known: zeros are compressed once, and what does not shrink is stored where the
/// format can do that.
/// </summary>
/// <param name="codec">Compresses the rest; disposed here.</param>
/// <param name="stored">Makes a chunk of the same format without compressing; null where the codec is as quick by itself.</param>
public sealed class AdaptiveCodec(ICodec codec, ICodec? stored) : ICodec
{
    private byte[] packedZeros = [];
    private int zerosLength;

    public ValueTask<ReadOnlyMemory<byte>> CompressAsync(
        ReadOnlyMemory<byte> chunk, Memory<byte> room, CancellationToken cancellationToken) =>
        Compressibility.IsZeros(chunk.Span) ? CompressZerosAsync(chunk, room, cancellationToken)
        : stored is not null && Compressibility.IsNoise(chunk.Span) ? stored.CompressAsync(chunk, room, cancellationToken)
        : CompressOtherAsync(chunk, room, cancellationToken);

    public ReadOnlyMemory<byte> Decompress(ReadOnlyMemory<byte> packed, Memory<byte> room) => codec.Decompress(packed, room);

    public void Dispose()
    {
        codec.Dispose();
        stored?.Dispose();
    }

    /// <summary>Fails when this host lacks what the codec needs.</summary>
    /// <exception cref="ArchivingException">Names the package to install and the way round it.</exception>
    public Task EnsureAvailableAsync(CancellationToken cancellationToken) =>
        codec is GzipProgramCodec program ? program.EnsureAvailableAsync(cancellationToken) : Task.CompletedTask;

    /// <summary>A quick level makes more of some chunks than they were; such a one is stored, too.</summary>
    private async ValueTask<ReadOnlyMemory<byte>> CompressOtherAsync(
        ReadOnlyMemory<byte> chunk, Memory<byte> room, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> packed = await codec.CompressAsync(chunk, room, cancellationToken);
        return stored is null || packed.Length <= chunk.Length ? packed : await stored.CompressAsync(chunk, room, cancellationToken);
    }

    private async ValueTask<ReadOnlyMemory<byte>> CompressZerosAsync(
        ReadOnlyMemory<byte> chunk, Memory<byte> room, CancellationToken cancellationToken)
    {
        if (zerosLength != chunk.Length)
        {
            packedZeros = (await codec.CompressAsync(chunk, room, cancellationToken)).ToArray();
            zerosLength = chunk.Length;
        }

        return packedZeros;
    }
}
