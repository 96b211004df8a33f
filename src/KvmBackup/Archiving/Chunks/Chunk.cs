using System.Buffers;
using KvmBackup.Archiving.Checksums;
using KvmBackup.Archiving.Codecs;

namespace KvmBackup.Archiving.Chunks;

/// <summary>A chunk of the tar stream on its way through the writer; its buffers serve many.</summary>
internal sealed class Chunk(int sizeBytes) : IDisposable
{
    private readonly byte[] content = ArrayPool<byte>.Shared.Rent(sizeBytes);
    private readonly byte[] room = ArrayPool<byte>.Shared.Rent(CodecFactory.BufferBytes(sizeBytes));
    private readonly List<Piece> unhashed = [];
    private TaskCompletionSource<PackedChunk> packed = NewSource();

    public int Length { get; private set; }

    public bool IsFull => Length == sizeBytes;

    public Memory<byte> Free => content.AsMemory(Length, sizeBytes - Length);

    public ReadOnlyMemory<byte> Content => content.AsMemory(0, Length);

    /// <summary>The buffer for the packed bytes.</summary>
    public Memory<byte> FreeBytes => room;

    /// <summary>What a worker made of it, once it has.</summary>
    public Task<PackedChunk> Packed => packed.Task;

    /// <summary>Takes over bytes that were put into <see cref="Free"/> and belong to no content.</summary>
    public void Advance(int length) => Length += length;

    /// <summary>Takes over bytes that were put into <see cref="Free"/>, to be hashed with their content.</summary>
    public void Advance(int length, ContentHash hash, long offsetBytes)
    {
        unhashed.Add(new Piece(hash, offsetBytes, Length, length));
        Length += length;
    }

    /// <summary>Hashes what is not hashed yet; called by whoever has the chunk at that time.</summary>
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
        ArrayPool<byte>.Shared.Return(room);
    }

    // Without this the writer's work would run within the worker that finished the chunk.
    private static TaskCompletionSource<PackedChunk> NewSource() =>
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly record struct Piece(ContentHash Hash, long OffsetBytes, int Start, int Length);
}

/// <summary>A chunk as it goes into the file.</summary>
/// <param name="Bytes">In a buffer of the chunk: good until the chunk is used again.</param>
/// <param name="Checksum">Of these bytes.</param>
internal readonly record struct PackedChunk(ReadOnlyMemory<byte> Bytes, UInt128 Checksum);
