using System.Collections.Concurrent;
using System.Security.Cryptography;
using KvmBackup.Archiving.Chunks;
using KvmBackup.Archiving.Tar;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Archiving;

/// <summary>
/// One pass over an archive that accounts for every byte of the tar stream: it belongs to a header, to the data of a
/// member, or is a zero between them. Collects all damage.
/// </summary>
internal sealed class ArchiveVerification(
    SafeFileHandle archive,
    ArchiveIndex index,
    CompressionMethod method,
    int workers,
    IReadOnlyList<ArchiveMember> members,
    string fileName) : IDisposable
{
    private readonly ConcurrentBag<ArchiveDamage> damages = [];
    private readonly List<MemberCheck> checks = [];
    private readonly IncrementalHash fileHash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <param name="fileSha256">SHA-256 of the whole file; null when the index is already verified: its checksums find
    /// damage to any byte, on all cores.</param>
    /// <param name="bytesRead">Receives the bytes read from the file since the start.</param>
    /// <param name="cancellationToken">Stops promptly.</param>
    public async Task<IReadOnlyList<ArchiveDamage>> RunAsync(
        string? fileSha256, IProgress<long>? bytesRead, CancellationToken cancellationToken)
    {
        PlanMembers(cancellationToken);
        long fileBytes = RandomAccess.GetLength(archive);
        int endChunk = CheckLength(fileBytes);
        long done = 0;
        using ChunkScan scan = new(archive, index, method, workers)
        {
            OnRead = bytes =>
            {
                if (fileSha256 is not null)
                {
                    fileHash.AppendData(bytes.Span);
                }

                bytesRead?.Report(done += bytes.Length);
            },
            OnDamage = ReportChunk,
            OnChunk = (chunk, content, _) =>
            {
                CheckContent(chunk, content.Span);
                return ValueTask.CompletedTask;
            },
        };
        await scan.RunAsync(0, endChunk, cancellationToken);
        checks.ForEach(CheckMember);

        // When damage is already found, a wrong checksum of the file adds nothing.
        if (damages.IsEmpty && fileSha256 is not null
            && Convert.ToHexStringLower(fileHash.GetHashAndReset()) != fileSha256)
        {
            Report(null, [], "SHA-256 of the file differs from the recorded one");
        }

        return [.. damages.OrderBy(damage => damage.OffsetBytes ?? long.MaxValue)];
    }

    public void Dispose()
    {
        checks.ForEach(check => check.Dispose());
        fileHash.Dispose();
    }

    /// <summary>Members must follow each other without a gap up to the end of the stream.</summary>
    private void PlanMembers(CancellationToken cancellationToken)
    {
        long? expected = 0;
        long free = 0;
        foreach (ArchiveMember member in members)
        {
            (TarMap? map, string? fault) = TarMap.Create(member, index.TarBytes);
            if (map is not null && expected is not null && member.HeaderOffsetBytes != expected)
            {
                fault = $"its recorded start is byte {member.HeaderOffsetBytes} of the tar stream, not {expected}";
            }

            if (fault is not null)
            {
                Report(null, [member.Name], $"the list of members does not fit the archive: {fault}");
            }

            // After a wrong member the next one is accepted at its recorded place, so that one fault is reported once.
            expected = map?.EndBytes;
            if (map is not null && member.HeaderOffsetBytes >= free)
            {
                checks.Add(new MemberCheck(map, cancellationToken));
                free = map.EndBytes;
            }
        }

        if (damages.IsEmpty && free != index.TarBytes - TarHeader.EndBytes)
        {
            Report(null, [], $"the members end at byte {free} of a tar stream of {index.TarBytes} bytes");
        }
    }

    /// <returns>The chunk before which the file ends.</returns>
    private int CheckLength(long fileBytes)
    {
        if (fileBytes > index.SizeBytes)
        {
            Report(index.SizeBytes, [], $"{fileBytes - index.SizeBytes} bytes follow the end of the archive");
        }

        if (fileBytes >= index.SizeBytes)
        {
            return index.Chunks.Count;
        }

        int complete = 0;
        while (index.Chunks[complete].EndBytes <= fileBytes)
        {
            complete++;
        }

        IReadOnlyList<string> touched = Lose(index.ContentOffset(complete), index.TarBytes);
        Report(fileBytes, touched, $"the file is truncated: {fileBytes} bytes instead of {index.SizeBytes}");
        return complete;
    }

    private void ReportChunk(int chunk, string reason)
    {
        long start = index.ContentOffset(chunk);
        Report(index.Chunks[chunk].OffsetBytes, Lose(start, start + index.ContentBytes(chunk)), reason);
    }

    /// <summary>Records that a range of the stream is lost.</summary>
    /// <returns>The affected members.</returns>
    private List<string> Lose(long start, long end)
    {
        List<MemberCheck> touched =
            [.. checks.Where(check => check.Map.Member.HeaderOffsetBytes < end && check.Map.EndBytes > start)];
        touched.ForEach(check => check.Lose(start, end));
        return [.. touched.Select(check => check.Map.Member.Name)];
    }

    private void CheckContent(int chunk, ReadOnlySpan<byte> content)
    {
        long start = index.ContentOffset(chunk);
        long end = start + content.Length;
        long accounted = start;
        for (int next = FirstEndingAfter(start); next < checks.Count; next++)
        {
            MemberCheck check = checks[next];
            if (check.Map.Member.HeaderOffsetBytes >= end)
            {
                break;
            }

            check.Take(start, content);
            CheckZeros(chunk, content, accounted, Math.Max(accounted, check.Map.Member.HeaderOffsetBytes));
            CheckZeros(chunk, content, Math.Max(accounted, check.Map.DataEndBytes), Math.Min(end, check.Map.EndBytes));
            accounted = Math.Min(end, check.Map.EndBytes);
        }

        CheckZeros(chunk, content, accounted, end);
    }

    private void CheckZeros(int chunk, ReadOnlySpan<byte> content, long from, long end)
    {
        long start = index.ContentOffset(chunk);
        if (from < end && content[(int)(from - start)..(int)(end - start)].ContainsAnyExcept((byte)0))
        {
            string reason = $"bytes from byte {from} of the tar stream on belong to no member";
            Report(index.Chunks[chunk].OffsetBytes, [], reason);
        }
    }

    private void CheckMember(MemberCheck check)
    {
        if (check.FindFault() is string fault)
        {
            long chunk = check.Map.Member.HeaderOffsetBytes / index.ChunkSizeBytes;
            Report(index.Chunks[(int)chunk].OffsetBytes, [check.Map.Member.Name], fault);
        }
    }

    private int FirstEndingAfter(long tarOffset)
    {
        return Bisection.First(checks.Count, check => checks[check].Map.EndBytes > tarOffset);
    }

    private void Report(long? offset, IReadOnlyList<string> touched, string reason) =>
        damages.Add(new ArchiveDamage(fileName, offset, touched, reason));
}
