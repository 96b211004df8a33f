using System.Buffers;

namespace KvmBackup.Archiving.Checksums;

/// <summary>A block whose data arrive in several parts, from any thread; the rest is a hole.</summary>
internal sealed class PartialBlock
{
    private readonly byte[] content;
    private readonly int length;
    private int missingBytes;

    public PartialBlock(int length, int dataBytes)
    {
        this.length = length;
        DataBytes = missingBytes = dataBytes;
        content = ArrayPool<byte>.Shared.Rent(length);
        content.AsSpan(0, length).Clear();
    }

    public int DataBytes { get; }

    /// <returns>Whether this was the last part.</returns>
    public bool Add(int within, ReadOnlySpan<byte> data)
    {
        data.CopyTo(content.AsSpan(within));
        return Interlocked.Add(ref missingBytes, -data.Length) == 0;
    }

    public UInt128 ChecksumAndRelease()
    {
        UInt128 checksum = Xxh128.Of(content.AsSpan(0, length));
        ArrayPool<byte>.Shared.Return(content);
        return checksum;
    }
}
