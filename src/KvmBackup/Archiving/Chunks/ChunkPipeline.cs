using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using System.Threading.Channels;
using KvmBackup.Archiving.Checksums;
using KvmBackup.Archiving.Codecs;

namespace KvmBackup.Archiving.Chunks;

/// <summary>
/// Passes filled chunks to the workers, which hash and compress them, and to the writer, which writes them in order. A
/// fixed number of chunks is reused, which limits the memory; the queues between the stages are unbounded, so no
/// deadlock between stages is possible. The first failure of any stage stops all of them and is thrown to the caller.
/// </summary>
internal sealed class ChunkPipeline : IAsyncDisposable
{
    private readonly Stream destination;
    private readonly int chunkBytes;
    private readonly Channel<Chunk> free = Channel.CreateUnbounded<Chunk>();
    private readonly Channel<Chunk> filled = Channel.CreateUnbounded<Chunk>();
    private readonly Channel<Chunk> ordered = Channel.CreateUnbounded<Chunk>();
    private readonly CancellationTokenSource stop = new();
    private readonly List<Chunk> chunks = [];
    private readonly int mostChunks;
    private readonly List<ArchiveChunk> written = [];
    private readonly IncrementalHash fileHash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly Task stages;
    private ExceptionDispatchInfo? failure;
    private bool isDisposed;

    /// <param name="destination">Is written from its current position.</param>
    /// <param name="codecs">One for each worker; disposed here.</param>
    /// <param name="chunkBytes">The size of a chunk before compression.</param>
    public ChunkPipeline(Stream destination, IReadOnlyList<ICodec> codecs, int chunkBytes)
    {
        this.destination = destination;
        this.chunkBytes = chunkBytes;

        // One for each worker, one being filled, one being written, and one spare so that none of these waits.
        mostChunks = codecs.Count + 3;
        stages = Task.WhenAll(codecs.Select(codec => Task.Run(() => GuardAsync(() => CompressAsync(codec))))
            .Append(Task.Run(() => GuardAsync(WriteAsync))));
    }

    /// <summary>Waits for an empty chunk.</summary>
    public async ValueTask<Chunk> RentAsync(CancellationToken cancellationToken)
    {
        if (!free.Reader.TryRead(out Chunk? chunk))
        {
            if (chunks.Count < mostChunks)
            {
                chunk = new Chunk(chunkBytes);
                chunks.Add(chunk);
            }
            else
            {
                chunk = await WaitAsync(token => free.Reader.ReadAsync(token).AsTask(), cancellationToken);
            }
        }

        ThrowIfFailed();
        return chunk;
    }

    /// <summary>Queues a filled chunk.</summary>
    public void Submit(Chunk chunk)
    {
        ThrowIfFailed();
        ordered.Writer.TryWrite(chunk);
        filled.Writer.TryWrite(chunk);
    }

    /// <summary>Waits for a result of the workers; ends when the workers stop.</summary>
    public async Task<TResult> WaitAsync<TResult>(
        Func<CancellationToken, Task<TResult>> wait, CancellationToken cancellationToken)
    {
        using CancellationTokenSource either =
            CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stop.Token);
        try
        {
            return await wait(either.Token);
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ThrowIfFailed();
            throw;
        }
    }

    /// <summary>Waits until all chunks are written.</summary>
    public async Task<(IReadOnlyList<ArchiveChunk> Chunks, string Sha256)> CompleteAsync(
        CancellationToken cancellationToken)
    {
        filled.Writer.TryComplete();
        ordered.Writer.TryComplete();
        await stages.WaitAsync(cancellationToken);
        ThrowIfFailed();
        return (written, Convert.ToHexStringLower(fileHash.GetHashAndReset()));
    }

    public async ValueTask DisposeAsync()
    {
        if (isDisposed)
        {
            return;
        }

        isDisposed = true;
        await stop.CancelAsync();
        filled.Writer.TryComplete();
        ordered.Writer.TryComplete();

        // The stages record their failures; none is thrown here.
        await stages;
        chunks.ForEach(chunk => chunk.Dispose());
        fileHash.Dispose();
        stop.Dispose();
    }

    private async Task CompressAsync(ICodec codec)
    {
        using (codec)
        {
            await foreach (Chunk chunk in filled.Reader.ReadAllAsync(stop.Token))
            {
                stop.Token.ThrowIfCancellationRequested();
                chunk.HashPieces();
                ReadOnlyMemory<byte> bytes = await codec.CompressAsync(chunk.Content, chunk.PackedBuffer, stop.Token);
                chunk.SetPacked(new PackedChunk(bytes, Xxh128.Of(bytes.Span)));
            }
        }
    }

    private async Task WriteAsync()
    {
        long offset = 0;
        await foreach (Chunk chunk in ordered.Reader.ReadAllAsync(stop.Token))
        {
            PackedChunk packed = await chunk.Packed.WaitAsync(stop.Token);
            Task write = destination.WriteAsync(packed.Bytes, stop.Token).AsTask();
            fileHash.AppendData(packed.Bytes.Span);
            await write;
            written.Add(new ArchiveChunk(offset, packed.Bytes.Length, packed.Checksum));
            offset += packed.Bytes.Length;
            chunk.Reset();
            free.Writer.TryWrite(chunk);
        }
    }

    /// <summary>Records the first failure and stops the other stages.</summary>
    private async Task GuardAsync(Func<Task> stage)
    {
        try
        {
            await stage();
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Stopped by the caller, or by the stage whose failure is recorded.
        }
        catch (Exception exception)
        {
            Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(exception), null);
            await stop.CancelAsync();
        }
    }

    private void ThrowIfFailed() => failure?.Throw();
}
