using System.Buffers.Binary;

namespace KvmBackup.Archiving.Codecs;

/// <summary>
/// Reads lengths from the headers of a Zstandard frame (RFC 8878, 3.1.1). Only for frames as this program writes them:
/// with content size and without dictionary.
/// </summary>
internal static class ZstdFrame
{
    public const int LongestHeader = 14;
    public const int BlockHeaderBytes = 3;

    private const uint Magic = 0xFD2FB528;

    /// <summary>The header at the start of a frame; null when this program did not write it.</summary>
    public static (int LengthBytes, long ContentBytes, bool HasChecksum)? ReadHeader(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 5 || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic)
        {
            return null;
        }

        byte descriptor = bytes[4];
        bool isSingleSegment = (descriptor & 0x20) != 0;
        bool isOurs = (descriptor & 0x0B) == 0;
        int sizeField = (descriptor >> 6) switch
        {
            0 => isSingleSegment ? 1 : 0,
            1 => 2,
            2 => 4,
            _ => 8,
        };
        int sizeOffset = 5 + (isSingleSegment ? 0 : 1);
        if (!isOurs || sizeField == 0 || bytes.Length < sizeOffset + sizeField)
        {
            return null;
        }

        ReadOnlySpan<byte> size = bytes[sizeOffset..];
        long contentBytes = sizeField switch
        {
            1 => size[0],
            2 => BinaryPrimitives.ReadUInt16LittleEndian(size) + 256,
            4 => BinaryPrimitives.ReadUInt32LittleEndian(size),
            _ => BinaryPrimitives.ReadInt64LittleEndian(size),
        };
        return (sizeOffset + sizeField, contentBytes, (descriptor & 0x04) != 0);
    }

    /// <summary>The length of the data after a block's header, and whether the block is the last; null for an unknown
    /// type.</summary>
    public static (int LengthBytes, bool IsLast)? ReadBlock(ReadOnlySpan<byte> bytes)
    {
        int header = bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);
        const int RunLength = 1;
        return ((header >> 1) & 3) switch
        {
            0 or 2 => (header >> 3, (header & 1) != 0),
            RunLength => (1, (header & 1) != 0),
            _ => null,
        };
    }
}
