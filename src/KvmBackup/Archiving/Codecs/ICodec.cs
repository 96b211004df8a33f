namespace KvmBackup.Archiving.Codecs;

/// <summary>Makes of a chunk of the tar stream a piece that other programs can read. One thread at a time.</summary>
public interface ICodec : IDisposable
{
    /// <summary>Compresses a chunk into the room given, which has <see cref="CodecFactory.BufferBytes"/> bytes.</summary>
    /// <returns>The compressed bytes: in the room, or the chunk itself.</returns>
    ValueTask<ReadOnlyMemory<byte>> CompressAsync(
        ReadOnlyMemory<byte> chunk, Memory<byte> room, CancellationToken cancellationToken);

    /// <summary>Gives a chunk back, whose length is that of the room.</summary>
    /// <returns>The chunk: in the room, or the compressed bytes themselves.</returns>
    /// <exception cref="InvalidDataException">These are not the bytes of a whole chunk of that length.</exception>
    ReadOnlyMemory<byte> Decompress(ReadOnlyMemory<byte> packed, Memory<byte> room);
}
