namespace KvmBackup.Archiving.Codecs;

/// <summary>Compresses chunks of the tar stream into pieces that other programs can read. One thread at a
/// time.</summary>
public interface ICodec : IDisposable
{
    /// <summary>Compresses a chunk into a buffer of <see cref="CodecFactory.BufferBytes"/> bytes.</summary>
    /// <returns>The compressed bytes: in the buffer, or the chunk itself.</returns>
    ValueTask<ReadOnlyMemory<byte>> CompressAsync(
        ReadOnlyMemory<byte> chunk, Memory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>Decompresses a chunk whose length is that of the buffer.</summary>
    /// <returns>The chunk: in the buffer, or the compressed bytes themselves.</returns>
    /// <exception cref="InvalidDataException">These are not the bytes of one complete chunk of that length.</exception>
    ReadOnlyMemory<byte> Decompress(ReadOnlyMemory<byte> packed, Memory<byte> buffer);
}
