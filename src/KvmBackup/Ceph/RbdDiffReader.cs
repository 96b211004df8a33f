using System.Buffers.Binary;
using System.Text;

namespace KvmBackup.Ceph;

/// <summary>
/// Reads an <c>rbd diff v1</c> stream and verifies it: it must be the stream of these snapshots, and its records must
/// be the given changes, in order; a zero record may replace data that are zeros.
/// </summary>
internal sealed class RbdDiffReader(Stream stream, string name, IReadOnlyList<ImageChange> changes)
{
    private long position;
    private long dataLeft;
    private int change;
    private long changeDone;

    /// <summary>The stream ended before its end tag.</summary>
    public bool IsTruncated { get; private set; }

    /// <exception cref="CephException">The stream belongs to another snapshot or image.</exception>
    public void ReadPrologue(string? fromSnapshot, string toSnapshot, long sizeBytes)
    {
        byte[] expected = RbdDiffFormat.Prologue(fromSnapshot, toSnapshot, sizeBytes);
        byte[] found = new byte[expected.Length];
        Fill(found);
        if (!found.AsSpan().SequenceEqual(expected))
        {
            throw Contradiction(
                $"it begins with '{Encoding.Latin1.GetString(found)}', which is not the diff of that snapshot at "
                + $"{sizeBytes} bytes");
        }
    }

    /// <summary>The next record; null at the end tag, which must be the end of the stream.</summary>
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
            throw Contradiction($"byte {fields[0]} is no tag");
        }

        Fill(fields[1..]);
        ImageChange record = new(
            BinaryPrimitives.ReadInt64LittleEndian(fields[1..]), BinaryPrimitives.ReadInt64LittleEndian(fields[9..]),
            fields[0] == RbdDiffFormat.Data);
        Match(record);
        dataLeft = record.IsData ? record.LengthBytes : 0;
        return record;
    }

    /// <summary>Fills a buffer with data of the current record.</summary>
    public void ReadData(Span<byte> buffer)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(buffer.Length, dataLeft);
        Fill(buffer);
        dataLeft -= buffer.Length;
    }

    /// <summary>Compares a record with the changes: it may be a part of one, or cover several that touch.</summary>
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
                    $"it has {record.LengthBytes} bytes of {(record.IsData ? "data" : "zeros")} at "
                    + $"{record.OffsetBytes}, where rbd diff reported none");
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
            throw Contradiction(
                $"it ends without the change that rbd diff reported at {changes[change].OffsetBytes + changeDone}");
        }

        Span<byte> surplus = stackalloc byte[1];
        if (stream.Read(surplus) > 0)
        {
            throw Contradiction("other bytes follow the end tag");
        }
    }

    private void Fill(Span<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            int count = stream.Read(buffer);
            if (count == 0)
            {
                IsTruncated = true;
                throw Contradiction("it ends there, before its end tag");
            }

            position += count;
            buffer = buffer[count..];
        }
    }

    private CephException Contradiction(string what) =>
        new($"The stream of {name} is wrong at byte {position}: {what}. Its data cannot be used; try again.");
}
