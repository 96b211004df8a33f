using System.Globalization;
using System.Text;
using KvmBackup.Archiving.Chunks;
using KvmBackup.Archiving.Primitives;
using KvmBackup.Archiving.Tar;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Archiving;

/// <summary>Finds the members of an archive by their tar headers, for a backup without a manifest.</summary>
internal sealed class MemberScan(SafeFileHandle archive, ArchiveIndex index, CompressionMethod method)
{
    private const int LargestRecords = 1 << 20;
    private const int LargestMap = 64 << 20;
    private readonly ChunkFile file = new(archive, index);
    private byte[] content = [];
    private int contentLength;
    private int current = -1;

    /// <returns>The members in order, without checksums; the last may extend beyond the end of the archive.</returns>
    public async Task<IReadOnlyList<ArchiveMember>> RunAsync(CancellationToken cancellationToken)
    {
        List<ArchiveMember> members = [];
        Dictionary<string, string> records = [];
        long? recordsStart = null;
        byte[] block = new byte[TarHeader.BlockBytes];
        for (long position = 0; position < index.TarBytes;)
        {
            if (await ReadAsync(position, block, cancellationToken) < block.Length)
            {
                // The rest of the chunk is lost. Search for the next header in the chunk after it.
                position = index.ContentOffset((int)(position / index.ChunkSizeBytes) + 1);
                continue;
            }

            if (TarHeader.ReadBlock(block) is not { } header)
            {
                position += block.Length;
                continue;
            }

            long data = position + block.Length;
            if (header.Type == 'x')
            {
                recordsStart = position;
                int length = (int)Math.Min(header.SizeBytes, LargestRecords);
                records = ParseRecords(await ReadAllAsync(data, length, cancellationToken));
            }
            else
            {
                long stored = records.TryGetValue("size", out string? size) && Number(size) is { } large
                    ? large : header.SizeBytes;
                members.Add(await DescribeAsync(
                    header.Name, stored, recordsStart ?? position, data, records, cancellationToken));
                header = header with { SizeBytes = stored };
                (recordsStart, records) = (null, []);
            }

            position = data + TarHeader.PaddedLength(header.SizeBytes);
        }

        return members;
    }

    private async Task<ArchiveMember> DescribeAsync(
        string headerName, long stored, long start, long data, Dictionary<string, string> records,
        CancellationToken cancellationToken)
    {
        string name = records.GetValueOrDefault("GNU.sparse.name") ?? records.GetValueOrDefault("path") ?? headerName;
        if (Number(records.GetValueOrDefault("GNU.sparse.realsize")) is not { } realSize)
        {
            Extent[] whole = stored == 0 ? [] : [new Extent(0, stored)];
            return new ArchiveMember(name, stored, start, data, whole, string.Empty);
        }

        (List<Extent> extents, int mapBytes) = await ReadMapAsync(data, realSize, cancellationToken);
        return new ArchiveMember(name, realSize, start, data + TarHeader.PaddedLength(mapBytes), extents, string.Empty);
    }

    /// <summary>The map of a sparse member: a count, then offset and length of each extent, in decimal lines.</summary>
    private async Task<(List<Extent> Extents, int MapBytes)> ReadMapAsync(
        long data, long realSize, CancellationToken cancellationToken)
    {
        List<long> numbers = [];
        StringBuilder digits = new();
        byte[] block = new byte[TarHeader.BlockBytes];
        int length = 0;
        long wanted = 1;
        while (numbers.Count < wanted && length < LargestMap
            && await ReadAsync(data + length, block, cancellationToken) == block.Length)
        {
            foreach (char letter in Encoding.ASCII.GetString(block).TakeWhile(_ => numbers.Count < wanted))
            {
                if (letter != '\n')
                {
                    _ = digits.Append(letter);
                    continue;
                }

                numbers.Add(Number(digits.ToString()) ?? 0);
                wanted = 1 + (2 * Math.Min(numbers[0], LargestMap));
                _ = digits.Clear();
            }

            length += block.Length;
        }

        List<Extent> extents = [.. numbers.Skip(1).Chunk(2).Where(pair => pair.Length == 2 && pair[1] > 0)
            .Select(pair => new Extent(pair[0], pair[1]))];
        return ExtentList.AreSound(extents, realSize) ? (extents, length) : ([], length);
    }

    private static Dictionary<string, string> ParseRecords(ReadOnlySpan<byte> bytes)
    {
        Dictionary<string, string> records = [];
        while (bytes.IndexOf((byte)' ') is int blank and > 0
            && Number(Encoding.ASCII.GetString(bytes[..blank])) is { } length
            && length > blank + 1 && length <= bytes.Length)
        {
            string[] pair = Encoding.UTF8.GetString(bytes[(blank + 1)..((int)length - 1)]).Split('=', 2);
            records[pair[0]] = pair[^1];
            bytes = bytes[(int)length..];
        }

        return records;
    }

    private static long? Number(string? text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            && number <= TarMap.LargestMember ? number : null;

    private async Task<byte[]> ReadAllAsync(long position, int length, CancellationToken cancellationToken)
    {
        byte[] bytes = new byte[length];
        return bytes[..await ReadAsync(position, bytes, cancellationToken)];
    }

    /// <returns>How many bytes were read.</returns>
    private async Task<int> ReadAsync(long position, Memory<byte> destination, CancellationToken cancellationToken)
    {
        int filled = 0;
        while (filled < destination.Length && position + filled < index.TarBytes)
        {
            await LoadAsync((int)((position + filled) / index.ChunkSizeBytes), cancellationToken);
            int start = (int)(position + filled - index.ContentOffset(current));
            int take = Math.Min(destination.Length - filled, contentLength - start);
            if (take <= 0)
            {
                break;
            }

            content.AsMemory(start, take).CopyTo(destination[filled..]);
            filled += take;
        }

        return filled;
    }

    private async Task LoadAsync(int chunk, CancellationToken cancellationToken)
    {
        if (chunk == current)
        {
            return;
        }

        byte[] packed = new byte[index.Chunks[chunk].LengthBytes];
        content = new byte[index.ContentBytes(chunk)];
        int length = await file.ReadPrefixAsync(chunk, packed, cancellationToken);
        contentLength = ChunkPrefix.Unpack(method, packed.AsMemory(0, length), content);
        current = chunk;
    }
}
