namespace KvmBackup.Archiving.Codecs;

/// <summary>No compression: a chunk is stored as it is, without a copy.</summary>
public sealed class StoredCodec : ICodec
{
    public ValueTask<ReadOnlyMemory<byte>> CompressAsync(
        ReadOnlyMemory<byte> chunk, Memory<byte> buffer, CancellationToken cancellationToken) => new(chunk);

    public ReadOnlyMemory<byte> Decompress(ReadOnlyMemory<byte> packed, Memory<byte> buffer) =>
        packed.Length == buffer.Length
            ? packed
            : throw new InvalidDataException($"it has {packed.Length} bytes instead of {buffer.Length}");

    public void Dispose()
    {
        // Holds nothing.
    }
}
