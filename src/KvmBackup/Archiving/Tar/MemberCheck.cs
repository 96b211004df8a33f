using KvmBackup.Archiving.Checksums;

namespace KvmBackup.Archiving.Tar;

/// <summary>What verification gathers of one member, in any order, from any thread: header and checksum.</summary>
internal sealed class MemberCheck : IDisposable
{
    private readonly byte[] header;
    private readonly byte[] expectedHeader;
    private readonly ContentHash hash;
    private bool isHeaderLost;
    private bool isDataLost;

    public MemberCheck(TarMap map, CancellationToken cancellationToken)
    {
        Map = map;
        hash = new ContentHash(map.Member.SizeBytes, map.Member.Extents, cancellationToken);
        expectedHeader = BuildHeader(modifiedSeconds: 0);

        // What the member claims decides nothing here: a wrong length is a fault, and nothing is kept for it.
        header = new byte[expectedHeader.Length];
    }

    public TarMap Map { get; }

    private bool IsHeaderLengthRight =>
        Map.Member.DataOffsetBytes - Map.Member.HeaderOffsetBytes == expectedHeader.Length;

    /// <summary>Takes what belongs to this member out of a run of the tar stream.</summary>
    public void Take(long tarOffset, ReadOnlySpan<byte> content)
    {
        long from = Math.Max(tarOffset, Map.Member.HeaderOffsetBytes);
        long end = Math.Min(tarOffset + content.Length, Map.Member.DataOffsetBytes);
        if (from < end && IsHeaderLengthRight)
        {
            content[(int)(from - tarOffset)..(int)(end - tarOffset)]
                .CopyTo(header.AsSpan((int)(from - Map.Member.HeaderOffsetBytes)));
        }

        foreach (TarMap.Part part in Map.PartsWithin(tarOffset, content.Length))
        {
            hash.Add(part.OffsetBytes, content.Slice(part.Start, part.Length));
        }
    }

    /// <summary>Notes that a run of the stream will not come; that was reported with its cause.</summary>
    public void Lose(long start, long end)
    {
        if (start < Map.Member.DataOffsetBytes && end > Map.Member.HeaderOffsetBytes)
        {
            isHeaderLost = true;
        }

        if (start < Map.DataEndBytes && end > Map.Member.DataOffsetBytes)
        {
            isDataLost = true;
            hash.Abandon();
        }
    }

    /// <summary>What is wrong with the member when all was seen; null for nothing, or nothing new.</summary>
    public string? FindFault()
    {
        if (!IsHeaderLengthRight || (!isHeaderLost && !IsHeaderRight()))
        {
            return "the header in the tar stream does not tell this name, size and map of holes";
        }

        return isDataLost || hash.Finish() == Map.Member.ContentXxh128
            ? null
            : "the content is not that which was read from the source (its checksum differs)";
    }

    public void Dispose() => hash.Dispose();

    private bool IsHeaderRight() => TarHeader.ReadModifiedSeconds(header) is long seconds
        && (header.AsSpan().SequenceEqual(BuildHeader(seconds))
            || header.AsSpan().SequenceEqual(BuildHeader(seconds, isPathLast: true)));

    private byte[] BuildHeader(long modifiedSeconds, bool isPathLast = false)
    {
        ArchiveMember member = Map.Member;
        return TarHeader.Build(member.Name, member.SizeBytes, member.Extents, modifiedSeconds, isPathLast);
    }
}
