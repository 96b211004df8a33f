using KvmBackup.Archiving.Chunks;
using KvmBackup.Archiving.Primitives;
using KvmBackup.Archiving.Tar;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Archiving;

/// <summary>
/// Reads one member of an archive at any offset. Only the required chunks are read, each is verified by its checksum,
/// and the next ones are unpacked on other cores in the meantime. One reader at a time.
/// </summary>
public sealed class MemberReader : IExtentSource, IAsyncDisposable
{
    private readonly TarMap map;
    private readonly ArchiveIndex index;
    private readonly int[] chunks;
    private readonly ChunkQueue queue;

    /// <param name="archive">Open for reading; the caller disposes it.</param>
    /// <param name="index">Its chunks.</param>
    /// <param name="method">The compression of the chunks.</param>
    /// <param name="map">The position of the member.</param>
    /// <param name="wanted">The extents that will be read, ascending; reads elsewhere work, but slowly.</param>
    /// <param name="ahead">Chunks that are unpacked beyond the one that is read: each costs two chunks of
    /// memory.</param>
    internal MemberReader(
        SafeFileHandle archive, ArchiveIndex index, CompressionMethod method, TarMap map, IReadOnlyList<Extent> wanted,
        int ahead)
    {
        this.map = map;
        this.index = index;
        chunks = ChunksOf(map, wanted, index.ChunkSizeBytes);
        queue = new ChunkQueue(archive, index, method, chunks, ahead);
    }

    public long SizeBytes => map.Member.SizeBytes;

    public IReadOnlyList<Extent> Extents => map.Member.Extents;

    /// <exception cref="ArchivingException">The archive is damaged at this place.</exception>
    public async ValueTask ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offsetBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offsetBytes, SizeBytes - buffer.Length);
        buffer.Span.Clear();
        foreach (TarMap.Place place in map.PlacesOf(offsetBytes, buffer.Length))
        {
            Memory<byte> destination = buffer.Slice((int)(place.OffsetBytes - offsetBytes), (int)place.LengthBytes);
            await CopyAsync(place.TarOffsetBytes, destination, cancellationToken);
        }
    }

    public ValueTask DisposeAsync() => queue.DisposeAsync();

    private async ValueTask CopyAsync(long position, Memory<byte> destination, CancellationToken cancellationToken)
    {
        while (!destination.IsEmpty)
        {
            int chunk = (int)(position / index.ChunkSizeBytes);
            int start = (int)(position - index.ContentOffset(chunk));
            int length = Math.Min(destination.Length, index.ContentBytes(chunk) - start);
            (ReadOnlyMemory<byte> content, string? fault) = await queue.GetAsync(chunk, cancellationToken);
            if (fault is not null)
            {
                throw ArchiveReader.Damaged(map.Member, index.Chunks[chunk].OffsetBytes, fault);
            }

            content.Slice(start, length).CopyTo(destination);
            destination = destination[length..];
            position += length;
        }
    }

    private static int[] ChunksOf(TarMap map, IReadOnlyList<Extent> wanted, int chunkBytes)
    {
        List<int> chunks = [];
        IEnumerable<TarMap.Place> places =
            wanted.SelectMany(extent => map.PlacesOf(extent.OffsetBytes, extent.LengthBytes));
        foreach (TarMap.Place place in places)
        {
            int last = (int)((place.TarOffsetBytes + place.LengthBytes - 1) / chunkBytes);
            for (int chunk = (int)(place.TarOffsetBytes / chunkBytes); chunk <= last; chunk++)
            {
                if (chunks.Count == 0 || chunks[^1] < chunk)
                {
                    chunks.Add(chunk);
                }
            }
        }

        return [.. chunks];
    }
}
