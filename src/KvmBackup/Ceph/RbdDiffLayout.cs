namespace KvmBackup.Ceph;

/// <summary>
/// The layout of the <c>rbd diff v1</c> stream of a list of changes: its length and every byte except the data are
/// known before the stream is read.
/// </summary>
public sealed class RbdDiffLayout
{
    private readonly byte[] prologue;
    private readonly long[] starts;

    /// <param name="fromSnapshot">The snapshot to which the stream applies; null for an empty image.</param>
    /// <param name="toSnapshot">The snapshot after the changes.</param>
    /// <param name="sizeBytes">The size of the image at that snapshot.</param>
    /// <param name="changes">Ascending, without overlaps, within the size.</param>
    /// <exception cref="CephException">The changes are invalid.</exception>
    public RbdDiffLayout(string? fromSnapshot, string toSnapshot, long sizeBytes, IReadOnlyList<ImageChange> changes)
    {
        RbdChanges.EnsureSound(changes, sizeBytes, $"the image at {toSnapshot}");
        FromSnapshot = fromSnapshot;
        ToSnapshot = toSnapshot;
        SizeBytes = sizeBytes;
        Changes = changes;
        prologue = RbdDiffFormat.Prologue(fromSnapshot, toSnapshot, sizeBytes);
        starts = new long[changes.Count];
        long position = prologue.Length;
        for (int index = 0; index < starts.Length; index++)
        {
            starts[index] = position;
            position += RbdDiffFormat.RecordBytes + (changes[index].IsData ? changes[index].LengthBytes : 0);
        }

        LengthBytes = position + 1;
    }

    public string? FromSnapshot { get; }

    public string ToSnapshot { get; }

    /// <summary>The size of the image, not of the stream.</summary>
    public long SizeBytes { get; }

    public IReadOnlyList<ImageChange> Changes { get; }

    /// <summary>The length of the stream.</summary>
    public long LengthBytes { get; }

    /// <summary>The data of the image within a piece of the stream, ascending.</summary>
    public IEnumerable<RbdDiffPart> Locate(long offsetBytes, int length)
    {
        long end = offsetBytes + length;
        for (int index = FirstRecord(offsetBytes); index < starts.Length && starts[index] < end; index++)
        {
            ImageChange change = Changes[index];
            long dataStart = starts[index] + RbdDiffFormat.RecordBytes;
            long from = Math.Max(dataStart, offsetBytes);
            long to = Math.Min(dataStart + (change.IsData ? change.LengthBytes : 0), end);
            if (from < to)
            {
                yield return new RbdDiffPart(
                    (int)(from - offsetBytes), (int)(to - from), change.OffsetBytes + (from - dataStart));
            }
        }
    }

    /// <summary>The offset in the stream of a range of the image's data.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within a single change.</exception>
    public long StreamOffset(long imageOffsetBytes, long lengthBytes)
    {
        int index = Bisection.First(Changes.Count, change => Changes[change].EndBytes > imageOffsetBytes);
        return index < starts.Length && Changes[index].IsData && Changes[index].OffsetBytes <= imageOffsetBytes
            && imageOffsetBytes + lengthBytes <= Changes[index].EndBytes
            ? starts[index] + RbdDiffFormat.RecordBytes + (imageOffsetBytes - Changes[index].OffsetBytes)
            : throw new ArgumentOutOfRangeException(
                nameof(imageOffsetBytes), imageOffsetBytes, "No change contains these data.");
    }

    /// <summary>The discards whose records begin within a piece of the stream.</summary>
    public IEnumerable<Extent> DiscardsIn(long offsetBytes, int length)
    {
        long end = offsetBytes + length;
        for (int index = FirstRecord(offsetBytes); index < starts.Length && starts[index] < end; index++)
        {
            if (starts[index] >= offsetBytes && !Changes[index].IsData)
            {
                yield return new Extent(Changes[index].OffsetBytes, Changes[index].LengthBytes);
            }
        }
    }

    /// <summary>Writes everything except the data into a piece of the stream.</summary>
    public void CopyStructure(long offsetBytes, Span<byte> piece)
    {
        foreach ((long start, byte[] bytes) in Structure(offsetBytes, piece.Length))
        {
            (int from, int to, int at) = Overlap(start, bytes.Length, offsetBytes, piece.Length);
            bytes.AsSpan(from, to - from).CopyTo(piece[at..]);
        }
    }

    /// <summary>Whether everything except the data in a piece of a stream matches this layout.</summary>
    public bool IsStructure(long offsetBytes, ReadOnlySpan<byte> piece)
    {
        foreach ((long start, byte[] bytes) in Structure(offsetBytes, piece.Length))
        {
            (int from, int to, int at) = Overlap(start, bytes.Length, offsetBytes, piece.Length);
            if (!bytes.AsSpan(from, to - from).SequenceEqual(piece.Slice(at, to - from)))
            {
                return false;
            }
        }

        return offsetBytes >= 0 && offsetBytes + piece.Length <= LengthBytes;
    }

    private static (int From, int To, int At) Overlap(long start, int count, long offsetBytes, int length)
    {
        long from = Math.Max(0, offsetBytes - start);
        long to = Math.Min(count, offsetBytes + length - start);
        return ((int)from, (int)to, (int)(start + from - offsetBytes));
    }

    /// <summary>The headers that overlap a piece of the stream, each with its offset in the stream.</summary>
    private IEnumerable<(long Start, byte[] Bytes)> Structure(long offsetBytes, int length)
    {
        long end = offsetBytes + length;
        if (offsetBytes < prologue.Length && length > 0)
        {
            yield return (0, prologue);
        }

        for (int index = FirstRecord(offsetBytes); index < starts.Length && starts[index] < end; index++)
        {
            if (starts[index] + RbdDiffFormat.RecordBytes > offsetBytes)
            {
                yield return (starts[index], RbdDiffFormat.Record(Changes[index]));
            }
        }

        if (LengthBytes - 1 >= offsetBytes && LengthBytes - 1 < end)
        {
            yield return (LengthBytes - 1, [RbdDiffFormat.End]);
        }
    }

    /// <summary>The last record that begins at or before an offset of the stream, else the first record.</summary>
    private int FirstRecord(long offsetBytes)
    {
        int found = Array.BinarySearch(starts, offsetBytes);
        return found >= 0 ? found : Math.Max(0, ~found - 1);
    }
}
