using System.Buffers;
using KvmBackup.Archiving.Codecs;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Archiving.Chunks;

/// <summary>
/// Reads a range of chunks in order and unpacks them in parallel. Each worker has its own codec and two buffers; only
/// reading, and the checksum of the whole file, are done by one worker at a time.
/// </summary>
internal sealed class ChunkScan(SafeFileHandle archive, ArchiveIndex index, CompressionMethod method, int workers)
    : IDisposable
{
    private readonly ChunkFile file = new(archive, index);
    private readonly SemaphoreSlim reading = new(1);
    private int nextChunk;

    /// <summary>Whether the checksum of each chunk is verified before it is unpacked; otherwise the consumer must
    /// verify the content.</summary>
    public bool VerifiesChunks { get; init; } = true;

    /// <summary>Receives the bytes read from the file, in order, on one thread at a time.</summary>
    public Action<ReadOnlyMemory<byte>>? OnRead { get; init; }

    /// <summary>Receives each unpacked chunk: its number and content. Called from several threads at once.</summary>
    public required Func<int, ReadOnlyMemory<byte>, CancellationToken, ValueTask> OnChunk { get; init; }

    /// <summary>Receives each damaged chunk: its number and the reason. Called from several threads at once.</summary>
    public required Action<int, string> OnDamage { get; init; }

    /// <summary>Receives, before <see cref="OnDamage"/>, the readable beginning of a damaged chunk, not verified: its
    /// number and content. Called from several threads at once.</summary>
    public Func<int, ReadOnlyMemory<byte>, CancellationToken, ValueTask>? OnPrefix { get; init; }

    /// <param name="firstChunk">The first chunk to read.</param>
    /// <param name="endChunk">The chunk after the last one to read.</param>
    /// <param name="cancellationToken">Stops all workers.</param>
    public async Task RunAsync(int firstChunk, int endChunk, CancellationToken cancellationToken)
    {
        nextChunk = firstChunk;
        int count = Math.Min(workers, endChunk - firstChunk);
        if (count > 0)
        {
            await Parallel.ForEachAsync(
                Enumerable.Range(0, count),
                new ParallelOptions { MaxDegreeOfParallelism = count, CancellationToken = cancellationToken },
                (_, token) => WorkAsync(endChunk, token));
        }
    }

    public void Dispose() => reading.Dispose();

    private async ValueTask WorkAsync(int endChunk, CancellationToken cancellationToken)
    {
        byte[] packed = ArrayPool<byte>.Shared.Rent(CodecFactory.LongestPacked(index.ChunkSizeBytes));
        byte[] content = ArrayPool<byte>.Shared.Rent(index.ChunkSizeBytes);
        try
        {
            using ICodec codec = CodecFactory.CreateForReading(method);
            while (await ReadNextAsync(endChunk, packed, cancellationToken) is { } read)
            {
                ReadOnlyMemory<byte> bytes = packed.AsMemory(0, index.Chunks[read.Chunk].LengthBytes);
                Memory<byte> buffer = content.AsMemory(0, index.ContentBytes(read.Chunk));
                string? fault = read.Fault ?? (VerifiesChunks ? file.Verify(read.Chunk, bytes.Span) : null)
                    ?? ChunkFile.Unpack(codec, bytes, buffer, out bytes);
                if (fault is null)
                {
                    await OnChunk(read.Chunk, bytes, cancellationToken);
                }
                else
                {
                    if (OnPrefix is not null)
                    {
                        Memory<byte> rest = packed.AsMemory(0, index.Chunks[read.Chunk].LengthBytes);
                        rest = rest[..await file.ReadPrefixAsync(read.Chunk, rest, cancellationToken)];
                        int length = ChunkPrefix.Unpack(method, rest, buffer);
                        await OnPrefix(read.Chunk, buffer[..length], cancellationToken);
                    }

                    OnDamage(read.Chunk, fault);
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(packed);
            ArrayPool<byte>.Shared.Return(content);
        }
    }

    /// <returns>The chunk and its fault, if any; null after the last.</returns>
    private async ValueTask<(int Chunk, string? Fault)?> ReadNextAsync(
        int endChunk, byte[] buffer, CancellationToken cancellationToken)
    {
        await reading.WaitAsync(cancellationToken);
        try
        {
            if (nextChunk >= endChunk)
            {
                return null;
            }

            int chunk = nextChunk++;
            Memory<byte> bytes = buffer.AsMemory(0, index.Chunks[chunk].LengthBytes);
            string? fault = await file.ReadAsync(chunk, bytes, cancellationToken);
            OnRead?.Invoke(bytes);
            return (chunk, fault);
        }
        finally
        {
            reading.Release();
        }
    }
}
