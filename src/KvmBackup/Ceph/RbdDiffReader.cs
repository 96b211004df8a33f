using System.Buffers.Binary;
using System.Text;

namespace KvmBackup.Ceph;

/// <summary>
/// Reads an <c>rbd diff v1</c> stream, mark by mark, and believes none: it must be the stream of these snapshots, and its
/// records must be the changes that were told before, in their order; a zero record may stand for data that are zeros.
/// </summary>
internal sealed class RbdDiffReader(Stream stream, string name, IReadOnlyList<ImageChange> changes)
{
    private long position;
    private long dataLeft;
    private int change;
    private long changeDone;

    /// <summary>The stream ended before its end mark.</summary>
    public bool IsCut { get; private set; }

    /// <exception cref="CephException">It is another stream than this.</exception>
    public void ReadPrologue(string? fromSnapshot, string toSnapshot, long sizeBytes)
    {
        byte[] expected = RbdDiffFormat.Prologue(fromSnapshot, toSnapshot, sizeBytes);
        byte[] found = new byte[expected.Length];
        Fill(found);
        if (!found.AsSpan().SequenceEqual(expected))
        {
            throw Contradiction(
                $"it begins with '{Encoding.Latin1.GetString(found)}', which is not the diff of that snapshot at {sizeBytes} bytes");
        }
    }

    /// <summary>The next record; null at the end mark, after which nothing follows.</summary>
    public ImageChange? ReadRecord()
    {
        Span<byte> fields = stackalloc byte[RbdDiffFormat.RecordBytes];
        Fill(fields[..1]);
        if (fields[0] == RbdDiffFormat.End)
        {
            EnsureEnd();
            return null;
        }

        if (fields[0] is not (RbdDiffFormat.Data or RbdDiffFormat.Zero))
        {
            throw Contradiction($"byte {fields[0]} is no mark");
        }

        Fill(fields[1..]);
        ImageChange record = new(
            BinaryPrimitives.ReadInt64LittleEndian(fields[1..]), BinaryPrimitives.ReadInt64LittleEndian(fields[9..]),
            fields[0] == RbdDiffFormat.Data);
        Match(record);
        dataLeft = record.IsData ? record.LengthBytes : 0;
        return record;
    }

    /// <summary>Fills a buffer with data of the record that was read last.</summary>
    public void ReadData(Span<byte> buffer)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(buffer.Length, dataLeft);
        Fill(buffer);
        dataLeft -= buffer.Length;
    }

    /// <summary>A record may be a part of a change, or several that touch.</summary>
    private void Match(ImageChange record)
    {
        long offset = record.OffsetBytes;
        long left = record.LengthBytes;
        if (left <= 0)
        {
            throw Contradiction($"a record has {left} bytes");
        }

        while (left > 0)
        {
            ImageChange? expected = change < changes.Count ? changes[change] : null;
            if (expected is not { } next || offset != next.OffsetBytes + changeDone || (record.IsData && !next.IsData))
            {
                throw Contradiction(
                    $"it has {record.LengthBytes} bytes of {(record.IsData ? "data" : "zeros")} at {record.OffsetBytes} "
                    + "where rbd diff told of none");
            }

            long count = Math.Min(left, next.LengthBytes - changeDone);
            (offset, left, changeDone) = (offset + count, left - count, changeDone + count);
            if (changeDone == next.LengthBytes)
            {
                (change, changeDone) = (change + 1, 0);
            }
        }
    }

    private void EnsureEnd()
    {
        if (change < changes.Count)
        {
            throw Contradiction($"it ends without what rbd diff told of at {changes[change].OffsetBytes + changeDone}");
        }

        Span<byte> surplus = stackalloc byte[1];
        if (stream.Read(surplus) > 0)
        {
            throw Contradiction("something follows the end mark");
        }
    }

    private void Fill(Span<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            int count = stream.Read(buffer);
            if (count == 0)
            {
                IsCut = true;
                throw Contradiction("it ends there, before its end mark");
            }

            position += count;
            buffer = buffer[count..];
        }
    }

    private CephException Contradiction(string what) =>
        new($"The stream of {name} is wrong at byte {position}: {what}. Nothing of it may be used; try again.");
}
