namespace KvmBackup.Archiving.Codecs;

/// <summary>Finds the start of bzip2 streams. The format does not record where a stream ends.</summary>
internal static class Bzip2Stream
{
    /// <summary>The length of the stream mark, the level and the mark of the first block.</summary>
    public const int HeaderBytes = 10;

    private const int LevelOffset = 3;

    private static ReadOnlySpan<byte> StreamMark => "BZh"u8;

    private static ReadOnlySpan<byte> BlockMark => [0x31, 0x41, 0x59, 0x26, 0x53, 0x59];

    public static bool IsHeader(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= HeaderBytes && bytes.StartsWith(StreamMark)
        && bytes[LevelOffset] is >= (byte)'1' and <= (byte)'9'
        && bytes[(LevelOffset + 1)..].StartsWith(BlockMark);

    /// <summary>The offset of the next stream after the start of this one; the length when there is none.</summary>
    public static int FindNext(ReadOnlySpan<byte> bytes)
    {
        // 80 bits: a false match by chance occurs about once in an exabyte.
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
