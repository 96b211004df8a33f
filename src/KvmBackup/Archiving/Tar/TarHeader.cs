using System.Globalization;
using System.Text;

namespace KvmBackup.Archiving.Tar;

/// <summary>
/// The blocks before a member's data: a PAX header where one is needed, the ustar header, and for a member with holes
/// the map of GNU's sparse format 1.0, which GNU tar, libarchive and Python extract as a sparse file. A pure function,
/// so that verification can compare every byte.
/// See https://www.gnu.org/software/tar/manual/html_node/PAX-1.html
/// </summary>
internal static class TarHeader
{
    public const int BlockBytes = 512;

    /// <summary>Two blocks of zeros.</summary>
    public const int EndBytes = 2 * BlockBytes;

    private const int NameField = 100;
    private const int ModifiedField = 136;
    private const long LongestOctal = (1L << 33) - 1;

    public static long PaddedLength(long bytes) => (bytes + BlockBytes - 1) / BlockBytes * BlockBytes;

    /// <summary>
    /// Widens extents to whole blocks. GNU tar reads each extent of a sparse member from a new block, which the
    /// description of the format does not mention; only the last extent of a file may end within a block.
    /// </summary>
    public static IReadOnlyList<Extent> WidenToBlocks(IReadOnlyList<Extent> extents, long sizeBytes)
    {
        return Extent.Coalesce(extents.Select(Widen));

        Extent Widen(Extent extent)
        {
            long start = extent.OffsetBytes / BlockBytes * BlockBytes;
            return new Extent(start, Math.Min(sizeBytes, PaddedLength(extent.EndBytes)) - start);
        }
    }

    /// <param name="name">The path in the archive.</param>
    /// <param name="sizeBytes">Logical size, holes included.</param>
    /// <param name="extents">The stored data; a member is sparse when they do not cover the size.</param>
    /// <param name="modifiedSeconds">Since 1970, UTC.</param>
    /// <param name="isPathLast">
    /// As version 0.1.0 wrote it: the record of the stored path after those of the sparse format. Python's tarfile uses
    /// the last name of a member, so the real name must be last.
    /// </param>
    public static byte[] Build(
        string name, long sizeBytes, IReadOnlyList<Extent> extents, long modifiedSeconds, bool isPathLast = false)
    {
        long dataBytes = extents.Sum(extent => extent.LengthBytes);
        bool isSparse = dataBytes != sizeBytes;
        byte[] map = isSparse ? BuildMap(extents, sizeBytes) : [];
        string storedName = isSparse ? SparseName(name) : name;
        long storedBytes = map.Length + dataBytes;

        byte[] records = BuildRecords(name, storedName, sizeBytes, storedBytes, isSparse, isPathLast);
        using MemoryStream blocks = new();
        if (records.Length > 0)
        {
            blocks.Write(BuildBlock("PaxHeaders/" + FileNameOf(name), records.Length, 'x', modifiedSeconds));
            blocks.Write(records);
            blocks.SetLength(PaddedLength(blocks.Length));
            blocks.Position = blocks.Length;
        }

        blocks.Write(BuildBlock(storedName, Math.Min(storedBytes, LongestOctal), '0', modifiedSeconds));
        blocks.Write(map);
        return blocks.ToArray();
    }

    /// <summary>The modification time in the first header block of a member; null when it is no octal number.</summary>
    public static long? ReadModifiedSeconds(ReadOnlySpan<byte> block)
    {
        long seconds = 0;
        foreach (byte digit in block.Slice(ModifiedField, 11))
        {
            if (digit is < (byte)'0' or > (byte)'7')
            {
                return null;
            }

            seconds = (seconds * 8) + (digit - '0');
        }

        return seconds;
    }

    /// <summary>The fields of a header block; null when its checksum is wrong or another program wrote it.</summary>
    public static (string Name, long SizeBytes, char Type)? ReadBlock(ReadOnlySpan<byte> block)
    {
        long sum = 8 * ' ';
        for (int index = 0; index < BlockBytes; index++)
        {
            sum += index is >= 148 and < 156 ? 0 : block[index];
        }

        return block[257..262].SequenceEqual("ustar"u8) && ReadOctal(block[148..154]) == sum
            && ReadOctal(block[124..135]) is { } size && block[156] is (byte)'0' or (byte)'x'
            ? (Encoding.UTF8.GetString(block[..NameField]).TrimEnd('\0'), size, (char)block[156])
            : null;
    }

    private static long? ReadOctal(ReadOnlySpan<byte> digits)
    {
        long number = 0;
        foreach (byte digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'7')
            {
                return null;
            }

            number = (number * 8) + (digit - '0');
        }

        return number;
    }

    private static string SparseName(string name)
    {
        int slash = name.LastIndexOf('/') + 1;
        return $"{name[..slash]}GNUSparseFile.0/{name[slash..]}";
    }

    private static string FileNameOf(string name) => name[(name.LastIndexOf('/') + 1)..];

    private static byte[] BuildMap(IReadOnlyList<Extent> extents, long sizeBytes)
    {
        StringBuilder lines = new();
        // An empty last entry records the size of a file that ends in a hole, as GNU tar does.
        bool endsInHole = extents.Count == 0 || extents[^1].EndBytes < sizeBytes;
        lines.Append(CultureInfo.InvariantCulture, $"{extents.Count + (endsInHole ? 1 : 0)}\n");
        foreach (Extent extent in extents)
        {
            lines.Append(CultureInfo.InvariantCulture, $"{extent.OffsetBytes}\n{extent.LengthBytes}\n");
        }

        if (endsInHole)
        {
            lines.Append(CultureInfo.InvariantCulture, $"{sizeBytes}\n0\n");
        }

        byte[] map = new byte[PaddedLength(lines.Length)];
        Encoding.ASCII.GetBytes(lines.ToString(), map);
        return map;
    }

    private static byte[] BuildRecords(
        string name, string storedName, long sizeBytes, long storedBytes, bool isSparse, bool isPathLast)
    {
        using MemoryStream records = new();
        bool needsPath = storedName.Length > NameField || !Ascii.IsValid(storedName);
        if (needsPath && !isPathLast)
        {
            AddRecord(records, "path", storedName);
        }

        if (isSparse)
        {
            AddRecord(records, "GNU.sparse.major", "1");
            AddRecord(records, "GNU.sparse.minor", "0");
            AddRecord(records, "GNU.sparse.name", name);
            AddRecord(records, "GNU.sparse.realsize", sizeBytes.ToString(CultureInfo.InvariantCulture));
        }

        if (needsPath && isPathLast)
        {
            AddRecord(records, "path", storedName);
        }

        if (storedBytes > LongestOctal)
        {
            AddRecord(records, "size", storedBytes.ToString(CultureInfo.InvariantCulture));
        }

        return records.ToArray();
    }

    /// <summary>A record begins with its own length in decimal, the digits of that length included.</summary>
    private static void AddRecord(MemoryStream records, string key, string value)
    {
        byte[] rest = Encoding.UTF8.GetBytes($" {key}={value}\n");
        int length = rest.Length + 1;
        while (length != rest.Length + length.ToString(CultureInfo.InvariantCulture).Length)
        {
            length++;
        }

        records.Write(Encoding.ASCII.GetBytes(length.ToString(CultureInfo.InvariantCulture)));
        records.Write(rest);
    }

    private static byte[] BuildBlock(string name, long sizeBytes, char type, long modifiedSeconds)
    {
        byte[] block = new byte[BlockBytes];
        byte[] nameBytes = Encoding.UTF8.GetBytes(name);
        nameBytes.AsSpan(0, Math.Min(nameBytes.Length, NameField)).CopyTo(block);
        PutOctal(block.AsSpan(100, 8), 0b110_000_000);
        PutOctal(block.AsSpan(108, 8), 0);
        PutOctal(block.AsSpan(116, 8), 0);
        PutOctal(block.AsSpan(124, 12), sizeBytes);
        PutOctal(block.AsSpan(ModifiedField, 12), Math.Clamp(modifiedSeconds, 0, LongestOctal));
        block[156] = (byte)type;
        "ustar\000"u8.CopyTo(block.AsSpan(257));
        "root"u8.CopyTo(block.AsSpan(265));
        "root"u8.CopyTo(block.AsSpan(297));
        PutOctal(block.AsSpan(329, 8), 0);
        PutOctal(block.AsSpan(337, 8), 0);

        // The checksum is computed with blanks in its own field, and is followed by NUL and a blank.
        block.AsSpan(148, 8).Fill((byte)' ');
        PutOctal(block.AsSpan(148, 7), block.Sum(value => value));
        return block;
    }

    private static void PutOctal(Span<byte> field, long value)
    {
        for (int index = field.Length - 2; index >= 0; index--)
        {
            field[index] = (byte)('0' + (value & 7));
            value >>= 3;
        }

        field[^1] = 0;
    }
}
