using System.Buffers;
using System.Collections.Concurrent;
using KvmBackup.Archiving.Codecs;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Archiving.Chunks;

/// <summary>
/// Gives out the content of chunks to one reader, and unpacks those that come next meanwhile. It holds no more than one
/// chunk beyond those; with each, its bytes in the file.
/// </summary>
/// <param name="archive">Open for reading; stays the caller's.</param>
/// <param name="index">Its chunks.</param>
/// <param name="method">How they are compressed.</param>
/// <param name="chunks">Those that will be asked for, ascending; another one can be had, too.</param>
/// <param name="ahead">How many are unpacked before they are asked for.</param>
internal sealed class ChunkQueue(
    SafeFileHandle archive, ArchiveIndex index, CompressionMethod method, int[] chunks, int ahead) : IAsyncDisposable
{
    private readonly ChunkFile file = new(archive, index);
    private readonly Dictionary<int, Task<Loaded>> loading = [];
    private readonly ConcurrentBag<ICodec> codecs = [];
    private readonly CancellationTokenSource ending = new();

    /// <returns>The content, which stays until the next is asked for; or why it cannot be had.</returns>
    public async ValueTask<(ReadOnlyMemory<byte> Content, string? Fault)> GetAsync(int chunk, CancellationToken cancellationToken)
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
            ArrayPool<byte>.Shared.Rent(index.Chunks[chunk].LengthBytes), ArrayPool<byte>.Shared.Rent(index.ContentBytes(chunk)));
        ICodec codec = codecs.TryTake(out ICodec? idle) ? idle : CodecFactory.CreateForReading(method);
        try
        {
            Memory<byte> packed = loaded.Packed.AsMemory(0, index.Chunks[chunk].LengthBytes);
            Memory<byte> room = loaded.FreeBytes.AsMemory(0, index.ContentBytes(chunk));
            string? fault = await file.ReadAsync(chunk, packed, ending.Token);
            ReadOnlyMemory<byte> content = default;
            return loaded with { Fault = fault ?? file.Prove(chunk, packed.Span) ?? ChunkFile.Unpack(codec, packed, room, out content), Content = content };
        }
        catch (OperationCanceledException)
        {
            return loaded with { Fault = "it was no longer wanted" };
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
            // Awaited first: nothing may write into a buffer that is given back.
            (await loading[chunk]).Return();
            _ = loading.Remove(chunk);
        }
    }

    /// <summary>A chunk in memory.</summary>
    private sealed record Loaded(byte[] Packed, byte[] FreeBytes)
    {
        public ReadOnlyMemory<byte> Content { get; init; }

        public string? Fault { get; init; }

        public void Return()
        {
            ArrayPool<byte>.Shared.Return(Packed);
            ArrayPool<byte>.Shared.Return(FreeBytes);
        }
    }
}
