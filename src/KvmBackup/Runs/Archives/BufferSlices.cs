namespace KvmBackup.Runs.Archives;

/// <summary>Splits runs of data into pieces that fit into a buffer.</summary>
internal static class BufferSlices
{
    /// <param name="extents">The runs, in ascending order.</param>
    /// <param name="pieceBytes">The longest piece; every cut within a run is at a multiple of it.</param>
    public static IEnumerable<Extent> Of(IEnumerable<Extent> extents, int pieceBytes)
    {
        foreach (Extent extent in extents)
        {
            for (long offset = extent.OffsetBytes; offset < extent.EndBytes;)
            {
                long length = Math.Min(pieceBytes - (offset % pieceBytes), extent.EndBytes - offset);
                yield return new Extent(offset, length);
                offset += length;
            }
        }
    }
}
