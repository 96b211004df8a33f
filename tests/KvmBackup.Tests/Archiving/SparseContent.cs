namespace KvmBackup.Tests.Archiving;

/// <summary>Content with holes, generated from a seed. Reads of holes fail, except for the rest of a tar
/// block.</summary>
internal sealed class SparseContent(long sizeBytes, IReadOnlyList<Extent> extents, int seed) : IExtentSource
{
    public long SizeBytes => sizeBytes;

    public IReadOnlyList<Extent> Extents => extents;

    public static SparseContent Random(int seed, int sizeLimit)
    {
        Random random = new(seed);
        long size = random.Next(sizeLimit);
        List<Extent> extents = [];
        for (long offset = random.Next(2) * random.Next(1 + (sizeLimit / 4)); offset < size;)
        {
            long length = Math.Min(1 + random.Next(1 + (sizeLimit / random.Next(1, 40))), size - offset);
            extents.Add(new Extent(offset, length));
            offset += length + 1 + random.Next(1 + (sizeLimit / random.Next(1, 40)));
        }

        return new SparseContent(size, extents, seed);
    }

    public static SparseContent Whole(int sizeBytes, int seed) =>
        new(sizeBytes, sizeBytes == 0 ? [] : [new Extent(0, sizeBytes)], seed);

    public ValueTask ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        buffer.Span.Clear();
        long end = offsetBytes + buffer.Length;
        long dataBytes = 0;
        Extent[] touched = [.. extents.Where(extent => extent.OffsetBytes < end && extent.EndBytes > offsetBytes)];
        foreach (Extent extent in touched)
        {
            long from = Math.Max(offsetBytes, extent.OffsetBytes);
            int length = (int)(Math.Min(end, extent.EndBytes) - from);
            Fill(from, buffer.Span.Slice((int)(from - offsetBytes), length));
            dataBytes += length;
        }

        Assert.True(buffer.Length - dataBytes < 1024 * (touched.Length + 1), "a hole was read");
        return ValueTask.CompletedTask;
    }

    public byte[] ToArray()
    {
        byte[] bytes = new byte[sizeBytes];
        foreach (Extent extent in extents)
        {
            Fill(extent.OffsetBytes, bytes.AsSpan((int)extent.OffsetBytes, (int)extent.LengthBytes));
        }

        return bytes;
    }

    /// <summary>Bytes that compress a little, never repeat, and depend on the offset only.</summary>
    private void Fill(long offset, Span<byte> bytes)
    {
        for (int index = 0; index < bytes.Length; index++)
        {
            ulong place = (ulong)(offset + index) + ((ulong)seed << 40);
            ulong mixed = (place ^ (place >> 7)) * 0x9E3779B97F4A7C15;
            bytes[index] = (byte)((mixed >> 56) | 1);
        }
    }
}
