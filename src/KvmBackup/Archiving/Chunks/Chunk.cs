using System.Buffers;
using KvmBackup.Archiving.Checksums;
using KvmBackup.Archiving.Codecs;

namespace KvmBackup.Archiving.Chunks;

/// <summary>A chunk of the tar stream in the writer; its buffers are reused.</summary>
internal sealed class Chunk(int sizeBytes) : IDisposable
{
    private readonly byte[] content = ArrayPool<byte>.Shared.Rent(sizeBytes);
    private readonly byte[] packedBuffer = ArrayPool<byte>.Shared.Rent(CodecFactory.BufferBytes(sizeBytes));
    private readonly List<Piece> unhashed = [];
    private TaskCompletionSource<PackedChunk> packed = NewSource();

    public int Length { get; private set; }

    public bool IsFull => Length == sizeBytes;

    public Memory<byte> Free => content.AsMemory(Length, sizeBytes - Length);

    public ReadOnlyMemory<byte> Content => content.AsMemory(0, Length);

    public Memory<byte> PackedBuffer => packedBuffer;

    /// <summary>Completes with the result of the worker.</summary>
    public Task<PackedChunk> Packed => packed.Task;

    /// <summary>Adds bytes that were written to <see cref="Free"/> and belong to no member's content.</summary>
    public void Advance(int length) => Length += length;

    /// <summary>Adds bytes of a member's content that were written to <see cref="Free"/>, to be hashed later.</summary>
    public void Advance(int length, ContentHash hash, long offsetBytes)
    {
        unhashed.Add(new Piece(hash, offsetBytes, Length, length));
        Length += length;
    }

    /// <summary>Hashes the content that is not hashed yet; called by the current owner of the chunk.</summary>
    public void HashPieces()
    {
        foreach (Piece piece in unhashed)
        {
            piece.Hash.Add(piece.OffsetBytes, content.AsSpan(piece.Start, piece.Length));
        }

        unhashed.Clear();
    }

    public void SetPacked(PackedChunk result) => packed.SetResult(result);

    public void Reset()
    {
        Length = 0;
        packed = NewSource();
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(content);
        ArrayPool<byte>.Shared.Return(packedBuffer);
    }

    // Without this option the writer would continue on the worker's thread.
    private static TaskCompletionSource<PackedChunk> NewSource() =>
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly record struct Piece(ContentHash Hash, long OffsetBytes, int Start, int Length);
}

/// <summary>A chunk as it is written to the file.</summary>
/// <param name="Bytes">In a buffer of the chunk: valid until the chunk is used again.</param>
/// <param name="Checksum">The checksum of these bytes.</param>
internal readonly record struct PackedChunk(ReadOnlyMemory<byte> Bytes, UInt128 Checksum);
