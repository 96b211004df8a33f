using System.Buffers.Binary;
using System.Text;

namespace KvmBackup.Ceph;

/// <summary>The tags of an <c>rbd diff v1</c> stream; see https://docs.ceph.com/en/latest/dev/rbd-diff/.</summary>
internal static class RbdDiffFormat
{
    public const byte From = (byte)'f';
    public const byte To = (byte)'t';
    public const byte Size = (byte)'s';
    public const byte Data = (byte)'w';
    public const byte Zero = (byte)'z';
    public const byte End = (byte)'e';

    /// <summary>The length of a record: a tag, an offset and a length.</summary>
    public const int RecordBytes = 17;

    public static ReadOnlySpan<byte> Banner => "rbd diff v1\n"u8;

    /// <summary>The bytes before the first record.</summary>
    public static byte[] Prologue(string? fromSnapshot, string? toSnapshot, long sizeBytes)
    {
        byte[] size = new byte[9];
        size[0] = Size;
        BinaryPrimitives.WriteInt64LittleEndian(size.AsSpan(1), sizeBytes);
        return [.. Banner, .. Name(From, fromSnapshot), .. Name(To, toSnapshot), .. size];
    }

    public static byte[] Record(ImageChange change)
    {
        byte[] record = new byte[RecordBytes];
        record[0] = change.IsData ? Data : Zero;
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(1), change.OffsetBytes);
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(9), change.LengthBytes);
        return record;
    }

    private static byte[] Name(byte tag, string? snapshot)
    {
        if (snapshot is null)
        {
            return [];
        }

        byte[] name = Encoding.UTF8.GetBytes(snapshot);
        byte[] length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, name.Length);
        return [tag, .. length, .. name];
    }
}

/// <summary>A piece of a diff stream that is data of the image.</summary>
/// <param name="Start">Its offset in the requested piece of the stream.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="ImageOffsetBytes">The offset of the data in the image.</param>
public readonly record struct RbdDiffPart(int Start, int Length, long ImageOffsetBytes);
