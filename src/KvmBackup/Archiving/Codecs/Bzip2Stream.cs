namespace KvmBackup.Archiving.Codecs;

/// <summary>What a bzip2 stream tells of itself: where it begins, and nothing of where it ends.</summary>
internal static class Bzip2Stream
{
    /// <summary>The mark of a stream, its level, and the mark of its first block.</summary>
    public const int HeaderBytes = 10;

    private const int LevelOffset = 3;

    private static ReadOnlySpan<byte> StreamMark => "BZh"u8;

    private static ReadOnlySpan<byte> BlockMark => [0x31, 0x41, 0x59, 0x26, 0x53, 0x59];

    public static bool IsHeader(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= HeaderBytes && bytes.StartsWith(StreamMark) && bytes[LevelOffset] is >= (byte)'1' and <= (byte)'9'
        && bytes[(LevelOffset + 1)..].StartsWith(BlockMark);

    /// <summary>Where the next stream begins, after the start of this one; the length when none does.</summary>
    public static int FindNext(ReadOnlySpan<byte> bytes)
    {
        // Eighty bits: in an exabyte of other bytes they come once by chance.
        for (int offset = 1; offset < bytes.Length; offset++)
        {
            int found = bytes[offset..].IndexOf(StreamMark);
            if (found < 0)
            {
                break;
            }

            offset += found;
            if (IsHeader(bytes[offset..]))
            {
                return offset;
            }
        }

        return bytes.Length;
    }
}
