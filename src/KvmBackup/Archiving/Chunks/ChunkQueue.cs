using System.Buffers;
using System.Collections.Concurrent;
using KvmBackup.Archiving.Codecs;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Archiving.Chunks;

/// <summary>
/// Returns the content of chunks to one reader, and unpacks the next chunks in the background. At most one more chunk
/// is in memory, each with its bytes in the file.
/// </summary>
/// <param name="archive">Open for reading; the caller disposes it.</param>
/// <param name="index">Its chunks.</param>
/// <param name="method">The compression of the chunks.</param>
/// <param name="chunks">The chunks that will be requested, ascending; others can be requested, too.</param>
/// <param name="ahead">How many chunks are unpacked before they are requested.</param>
internal sealed class ChunkQueue(
    SafeFileHandle archive, ArchiveIndex index, CompressionMethod method, int[] chunks, int ahead) : IAsyncDisposable
{
    private readonly ChunkFile file = new(archive, index);
    private readonly Dictionary<int, Task<Loaded>> loading = [];
    private readonly ConcurrentBag<ICodec> codecs = [];
    private readonly CancellationTokenSource ending = new();

    /// <returns>The content, which is valid until the next request; or the fault.</returns>
    public async ValueTask<(ReadOnlyMemory<byte> Content, string? Fault)> GetAsync(
        int chunk, CancellationToken cancellationToken)
    {
        if (!loading.ContainsKey(chunk))
        {
            await ReleaseAsync(_ => true);
            Load(chunk);
        }

        await ReleaseAsync(older => older < chunk);
        int next = Array.BinarySearch(chunks, chunk) is var found && found >= 0 ? found + 1 : ~found;
        for (int position = next; position < chunks.Length && position < next + ahead; position++)
        {
            Load(chunks[position]);
        }

        Loaded loaded = await loading[chunk].WaitAsync(cancellationToken);
        return (loaded.Content, loaded.Fault);
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        await ReleaseAsync(_ => true);
        foreach (ICodec codec in codecs)
        {
            codec.Dispose();
        }

        ending.Dispose();
    }

    private void Load(int chunk)
    {
        if (!loading.ContainsKey(chunk))
        {
            loading.Add(chunk, Task.Run(() => LoadAsync(chunk)));
        }
    }

    private async Task<Loaded> LoadAsync(int chunk)
    {
        Loaded loaded = new(
            ArrayPool<byte>.Shared.Rent(index.Chunks[chunk].LengthBytes),
            ArrayPool<byte>.Shared.Rent(index.ContentBytes(chunk)));
        ICodec codec = codecs.TryTake(out ICodec? idle) ? idle : CodecFactory.CreateForReading(method);
        try
        {
            Memory<byte> packed = loaded.Packed.AsMemory(0, index.Chunks[chunk].LengthBytes);
            Memory<byte> unpacked = loaded.Unpacked.AsMemory(0, index.ContentBytes(chunk));
            ReadOnlyMemory<byte> content = default;
            string? fault = await file.ReadAsync(chunk, packed, ending.Token)
                ?? file.Verify(chunk, packed.Span)
                ?? ChunkFile.Unpack(codec, packed, unpacked, out content);
            return loaded with { Fault = fault, Content = content };
        }
        catch (OperationCanceledException)
        {
            return loaded with { Fault = "the read was cancelled" };
        }
        finally
        {
            codecs.Add(codec);
        }
    }

    private async ValueTask ReleaseAsync(Predicate<int> isDone)
    {
        foreach (int chunk in loading.Keys.Where(chunk => isDone(chunk)).ToArray())
        {
            // Awaited first: a buffer in use must not be returned.
            (await loading[chunk]).Return();
            _ = loading.Remove(chunk);
        }
    }

    /// <summary>A chunk in memory.</summary>
    private sealed record Loaded(byte[] Packed, byte[] Unpacked)
    {
        public ReadOnlyMemory<byte> Content { get; init; }

        public string? Fault { get; init; }

        public void Return()
        {
            ArrayPool<byte>.Shared.Return(Packed);
            ArrayPool<byte>.Shared.Return(Unpacked);
        }
    }
}
