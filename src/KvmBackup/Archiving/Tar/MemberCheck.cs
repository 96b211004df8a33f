using KvmBackup.Archiving.Checksums;

namespace KvmBackup.Archiving.Tar;

/// <summary>Verifies header and checksum of one member, from data in any order and from any thread.</summary>
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

        // The recorded length is not trusted: a wrong one is a fault, and must not decide the size of the buffer.
        header = new byte[expectedHeader.Length];
    }

    public TarMap Map { get; }

    private bool IsHeaderLengthRight =>
        Map.Member.DataOffsetBytes - Map.Member.HeaderOffsetBytes == expectedHeader.Length;

    /// <summary>Adds the part of a range of the tar stream that belongs to this member.</summary>
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

    /// <summary>Records that a range of the stream is lost; the caller has reported the cause.</summary>
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

    /// <summary>The fault of the member after all data were added; null for none, or only reported ones.</summary>
    public string? FindFault()
    {
        if (!IsHeaderLengthRight || (!isHeaderLost && !IsHeaderRight()))
        {
            return "the header in the tar stream does not have this name, size and map of holes";
        }

        return isDataLost || hash.Finish() == Map.Member.ContentXxh128
            ? null
            : "the content differs from the content that was read from the source (its checksum differs)";
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
