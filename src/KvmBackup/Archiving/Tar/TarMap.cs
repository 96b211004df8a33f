namespace KvmBackup.Archiving.Tar;

/// <summary>
/// Where the bytes of one member lie in the tar stream. The values come from a file beside the archive and are not
/// trusted: whoever holds a map knows that all its places lie within the stream and within the member.
/// </summary>
internal sealed class TarMap
{
    /// <summary>1 PiB: beyond every disk, and small enough that no sum overflows.</summary>
    public const long LargestMember = 1L << 50;

    /// <summary>Where each extent's data starts, counted from the member's data.</summary>
    private readonly long[] starts;

    private TarMap(ArchiveMember member)
    {
        Member = member;
        starts = new long[member.Extents.Count];
        foreach ((int index, Extent extent) in member.Extents.Index())
        {
            starts[index] = DataBytes;
            DataBytes += extent.LengthBytes;
        }
    }

    public ArchiveMember Member { get; }

    public long DataBytes { get; }

    public long DataEndBytes => Member.DataOffsetBytes + DataBytes;

    /// <summary>Where the next header or the end of the stream follows.</summary>
    public long EndBytes => TarHeader.PaddedLength(DataEndBytes);

    /// <summary>Checks a member against the stream that is said to hold it.</summary>
    /// <returns>The map, or what is wrong in words.</returns>
    public static (TarMap? Map, string? Fault) Create(ArchiveMember member, long tarBytes)
    {
        if (!IsSafeName(member.Name))
        {
            return (null, "its name is unsafe");
        }

        if (member.SizeBytes is < 0 or > LargestMember || !ExtentList.AreSound(member.Extents, member.SizeBytes))
        {
            return (null, "its extents are out of order or beyond its size");
        }

        TarMap map = new(member);
        bool isWithin = member.HeaderOffsetBytes >= 0
            && member.HeaderOffsetBytes < member.DataOffsetBytes
            && member.DataOffsetBytes <= tarBytes
            && map.DataBytes <= tarBytes - member.DataOffsetBytes
            && member.HeaderOffsetBytes % TarHeader.BlockBytes == 0
            && member.DataOffsetBytes % TarHeader.BlockBytes == 0;
        return isWithin ? (map, null) : (null, "it lies outside the archive");
    }

    /// <summary>A relative path that leads nowhere else, which tar programs take as it is.</summary>
    public static bool IsSafeName(string name) =>
        name.Length is > 0 and <= 4096
        && !name.Contains('\0', StringComparison.Ordinal)
        && name.Split('/').All(part => part is not ("" or "." or ".."));

    /// <summary>The parts of the content within a run of the stream, ascending.</summary>
    /// <param name="tarOffset">Where the run starts in the tar stream.</param>
    /// <param name="length">Its length; what is no data of this member is passed over.</param>
    public IEnumerable<Part> PartsWithin(long tarOffset, int length)
    {
        long from = Math.Max(0, tarOffset - Member.DataOffsetBytes);
        long end = Math.Min(DataBytes, tarOffset + length - Member.DataOffsetBytes);
        for (int index = ExtentAt(from); from < end; index++)
        {
            Extent extent = Member.Extents[index];
            long within = from - starts[index];
            int take = (int)Math.Min(extent.LengthBytes - within, end - from);
            yield return new Part(
                extent.OffsetBytes + within, (int)(Member.DataOffsetBytes + from - tarOffset), take);
            from += take;
        }
    }

    /// <summary>Where the data within a run of the content lie in the tar stream, ascending; holes are passed over.</summary>
    /// <param name="offsetBytes">Where the run starts in the member.</param>
    /// <param name="lengthBytes">Its length, which ends within the member.</param>
    public IEnumerable<Place> PlacesOf(long offsetBytes, long lengthBytes)
    {
        long end = offsetBytes + lengthBytes;
        IReadOnlyList<Extent> extents = Member.Extents;
        for (int index = ExtentList.FirstEndingAfter(extents, offsetBytes);
            index < extents.Count && extents[index].OffsetBytes < end; index++)
        {
            long from = Math.Max(offsetBytes, extents[index].OffsetBytes);
            long to = Math.Min(end, extents[index].EndBytes);
            yield return new Place(
                from, Member.DataOffsetBytes + starts[index] + (from - extents[index].OffsetBytes), to - from);
        }
    }

    private int ExtentAt(long dataOffset)
    {
        int index = Array.BinarySearch(starts, dataOffset);
        return index >= 0 ? index : Math.Max(0, ~index - 1);
    }

    /// <summary>A run of content.</summary>
    /// <param name="OffsetBytes">Where it belongs in the member.</param>
    /// <param name="Start">Where it is in the run of the stream that was asked about.</param>
    /// <param name="Length">How long it is.</param>
    public readonly record struct Part(long OffsetBytes, int Start, int Length);

    /// <summary>A run of content that lies in one piece.</summary>
    /// <param name="OffsetBytes">Where it belongs in the member.</param>
    /// <param name="TarOffsetBytes">Where it lies in the tar stream.</param>
    /// <param name="LengthBytes">How long it is.</param>
    public readonly record struct Place(long OffsetBytes, long TarOffsetBytes, long LengthBytes);
}
