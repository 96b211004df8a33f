using System.Buffers;
using System.Collections.Concurrent;
using KvmBackup.Archiving.Tar;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Archiving.Chunks;

/// <summary>Compares chunks of an archive with their checksums, on all cores, without unpacking.</summary>
/// <param name="archive">Open for reading.</param>
/// <param name="index">Its chunks, already verified.</param>
/// <param name="members">The members of the archive, to report which ones damage affects.</param>
/// <param name="workers">Chunks that are read at once.</param>
/// <param name="fileName">The name of the archive in the findings.</param>
internal sealed class ChunkProof(
    SafeFileHandle archive, ArchiveIndex index, IReadOnlyList<ArchiveMember> members, int workers, string fileName)
{
    private readonly ChunkFile file = new(archive, index);
    private readonly ConcurrentBag<ArchiveDamage> damages = [];
    private long bytesDone;

    /// <param name="share">Of the chunks, above 0 and at most 1: at least one chunk, a new random choice each
    /// time.</param>
    /// <param name="bytesRead">Receives the bytes read from the file since the start.</param>
    /// <param name="cancellationToken">Stops promptly.</param>
    /// <returns>The damage in the order of the file.</returns>
    public async Task<IReadOnlyList<ArchiveDamage>> RunAsync(
        double share, IProgress<long>? bytesRead, CancellationToken cancellationToken)
    {
        long surplus = RandomAccess.GetLength(archive) - index.SizeBytes;
        if (surplus > 0)
        {
            string reason = $"{surplus} bytes follow the end of the archive";
            damages.Add(new ArchiveDamage(fileName, index.SizeBytes, [], reason));
        }

        await Parallel.ForEachAsync(
            Choose(share),
            new ParallelOptions { MaxDegreeOfParallelism = workers, CancellationToken = cancellationToken },
            async (chunk, token) =>
            {
                await VerifyAsync(chunk, token);
                bytesRead?.Report(Interlocked.Add(ref bytesDone, index.Chunks[chunk].LengthBytes));
            });
        return [.. damages.OrderBy(damage => damage.OffsetBytes)];
    }

    private int[] Choose(double share)
    {
        int[] all = [.. Enumerable.Range(0, index.Chunks.Count)];
        if (share >= 1)
        {
            return all;
        }

        Random.Shared.Shuffle(all);
        return [.. all.Take(Math.Max(1, (int)Math.Ceiling(all.Length * share))).Order()];
    }

    private async Task VerifyAsync(int chunk, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(index.Chunks[chunk].LengthBytes);
        try
        {
            Memory<byte> bytes = buffer.AsMemory(0, index.Chunks[chunk].LengthBytes);
            if ((await file.ReadAsync(chunk, bytes, cancellationToken) ?? file.Verify(chunk, bytes.Span)) is { } fault)
            {
                damages.Add(new ArchiveDamage(fileName, index.Chunks[chunk].OffsetBytes, Touched(chunk), fault));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private string[] Touched(int chunk)
    {
        long start = index.ContentOffset(chunk);
        long end = start + index.ContentBytes(chunk);
        return [.. members.Where(member => member.HeaderOffsetBytes < end
                && TarHeader.PaddedLength(member.DataOffsetBytes + member.DataBytes) > start)
            .Select(member => member.Name)];
    }
}
