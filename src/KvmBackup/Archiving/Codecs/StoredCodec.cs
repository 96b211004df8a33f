namespace KvmBackup.Archiving.Codecs;

/// <summary>No compression: a chunk is stored as it is, without a copy.</summary>
public sealed class StoredCodec : ICodec
{
    public ValueTask<ReadOnlyMemory<byte>> CompressAsync(
        ReadOnlyMemory<byte> chunk, Memory<byte> room, CancellationToken cancellationToken) => new(chunk);

    public ReadOnlyMemory<byte> Decompress(ReadOnlyMemory<byte> packed, Memory<byte> room) =>
        packed.Length == room.Length
            ? packed
            : throw new InvalidDataException($"it has {packed.Length} bytes instead of {room.Length}");

    public void Dispose()
    {
        // Holds nothing.
    }
}
