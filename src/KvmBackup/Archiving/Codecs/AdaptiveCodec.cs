using KvmBackup.Archiving.Primitives;

namespace KvmBackup.Archiving.Codecs;

/// <summary>
/// Handles special chunks without the codec: a chunk of zeros is compressed once, and an incompressible chunk is stored
/// where the format permits it.
/// </summary>
/// <param name="codec">Compresses the other chunks; disposed here.</param>
/// <param name="stored">Stores a chunk in the same format without compression; null where the codec is as fast.</param>
public sealed class AdaptiveCodec(ICodec codec, ICodec? stored) : ICodec
{
    private byte[] packedZeros = [];
    private int zerosLength;

    public ValueTask<ReadOnlyMemory<byte>> CompressAsync(
        ReadOnlyMemory<byte> chunk, Memory<byte> buffer, CancellationToken cancellationToken) =>
        Compressibility.IsZeros(chunk.Span) ? CompressZerosAsync(chunk, buffer, cancellationToken)
        : stored is not null && Compressibility.IsNoise(chunk.Span)
        ? stored.CompressAsync(chunk, buffer, cancellationToken)
        : CompressOtherAsync(chunk, buffer, cancellationToken);

    public ReadOnlyMemory<byte> Decompress(ReadOnlyMemory<byte> packed, Memory<byte> buffer) =>
        codec.Decompress(packed, buffer);

    public void Dispose()
    {
        codec.Dispose();
        stored?.Dispose();
    }

    /// <summary>Checks that the codec can be used on this host.</summary>
    /// <exception cref="ArchivingException">It cannot; the message names the package to install and an
    /// alternative.</exception>
    public Task EnsureAvailableAsync(CancellationToken cancellationToken) =>
        codec is GzipProgramCodec program ? program.EnsureAvailableAsync(cancellationToken) : Task.CompletedTask;

    /// <summary>Stores a chunk that the codec enlarges, which fast levels do.</summary>
    private async ValueTask<ReadOnlyMemory<byte>> CompressOtherAsync(
        ReadOnlyMemory<byte> chunk, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> packed = await codec.CompressAsync(chunk, buffer, cancellationToken);
        return stored is null || packed.Length <= chunk.Length
            ? packed : await stored.CompressAsync(chunk, buffer, cancellationToken);
    }

    private async ValueTask<ReadOnlyMemory<byte>> CompressZerosAsync(
        ReadOnlyMemory<byte> chunk, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (zerosLength != chunk.Length)
        {
            packedZeros = (await codec.CompressAsync(chunk, buffer, cancellationToken)).ToArray();
            zerosLength = chunk.Length;
        }

        return packedZeros;
    }
}
