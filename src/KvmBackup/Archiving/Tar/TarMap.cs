using KvmBackup.Archiving.Primitives;

namespace KvmBackup.Archiving.Tar;

/// <summary>
/// Maps between the content of one member and the tar stream. The values come from a file beside the archive and are
/// not trusted: <see cref="Create"/> checks that all places are within the stream and within the member.
/// </summary>
internal sealed class TarMap
{
    /// <summary>1 PiB: larger than every disk, and small enough that no sum overflows.</summary>
    public const long LargestMember = 1L << 50;

    /// <summary>The start of each extent's data, relative to the member's data.</summary>
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

    /// <summary>The start of the next header or of the end of the stream.</summary>
    public long EndBytes => TarHeader.PaddedLength(DataEndBytes);

    /// <summary>Creates the map of a member after checks against the size of its stream.</summary>
    /// <returns>The map, or the fault.</returns>
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
        return isWithin ? (map, null) : (null, "it is outside the archive");
    }

    /// <summary>Whether a name is a relative path without <c>.</c> and <c>..</c>, which tar programs do not
    /// change.</summary>
    public static bool IsSafeName(string name) =>
        name.Length is > 0 and <= 4096
        && !name.Contains('\0', StringComparison.Ordinal)
        && name.Split('/').All(part => part is not ("" or "." or ".."));

    /// <summary>The parts of the content within a range of the stream, ascending.</summary>
    /// <param name="tarOffset">The start of the range in the tar stream.</param>
    /// <param name="length">Its length; bytes that are no data of this member are skipped.</param>
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

    /// <summary>The places in the tar stream of the data within a range of the content, ascending, without
    /// holes.</summary>
    /// <param name="offsetBytes">The start of the range in the member.</param>
    /// <param name="lengthBytes">Its length; it ends within the member.</param>
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

    /// <summary>A part of the content within a range of the stream.</summary>
    /// <param name="OffsetBytes">Its offset in the member.</param>
    /// <param name="Start">Its offset in the range.</param>
    /// <param name="Length">Its length.</param>
    public readonly record struct Part(long OffsetBytes, int Start, int Length);

    /// <summary>A contiguous part of the content.</summary>
    /// <param name="OffsetBytes">Its offset in the member.</param>
    /// <param name="TarOffsetBytes">Its offset in the tar stream.</param>
    /// <param name="LengthBytes">Its length.</param>
    public readonly record struct Place(long OffsetBytes, long TarOffsetBytes, long LengthBytes);
}
