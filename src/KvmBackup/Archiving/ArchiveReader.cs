using System.Collections.Concurrent;
using KvmBackup.Archiving.Checksums;
using KvmBackup.Archiving.Chunks;
using KvmBackup.Archiving.Codecs;
using KvmBackup.Archiving.Primitives;
using KvmBackup.Archiving.Tar;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Archiving;

/// <summary>
/// Reads members of one archive, each without the others, on all cores, and verifies every byte. The index and the list
/// of members, which are files beside the archive, are not trusted.
/// </summary>
public sealed class ArchiveReader
{
    private readonly SafeFileHandle archive;
    private readonly ArchiveIndex index;
    private readonly CompressionMethod method;
    private readonly int workers;

    /// <param name="archive">Open for reading; the caller disposes it.</param>
    /// <param name="index">Its chunks.</param>
    /// <param name="method">The compression of the chunks.</param>
    /// <param name="threads">Chunks unpacked at once; 0 is one for each processor.</param>
    /// <exception cref="ArchivingException">The index is not consistent.</exception>
    public ArchiveReader(SafeFileHandle archive, ArchiveIndex index, CompressionMethod method, int threads = 0)
    {
        index.EnsureSound();
        this.archive = archive;
        this.index = index;
        this.method = method;
        workers = CodecFactory.Workers(threads);
    }

    /// <summary>Writes the content of one member to a sink; only the chunks that hold it are read.</summary>
    /// <param name="member">The member.</param>
    /// <param name="sink">Receives each byte of data once, in any order, from several threads; never a hole.</param>
    /// <param name="bytesWritten">Receives the bytes of data written since the start.</param>
    /// <param name="cancellationToken">Stops promptly.</param>
    /// <exception cref="ArchivingException">The archive is damaged within the member. The data written so far must be
    /// discarded.</exception>
    public async Task ExtractAsync(
        ArchiveMember member, IExtentSink sink, IProgress<long>? bytesWritten, CancellationToken cancellationToken)
    {
        TarMap map = MapOf(member);

        // The checksum over the whole content is sufficient; checksums of the packed bytes would double the cost.
        string? checksum = await WriteAsync(
            map, sink, verifiesChunks: false,
            (chunk, reason) => throw Damaged(member, index.Chunks[chunk].OffsetBytes, reason),
            bytesWritten, cancellationToken);
        if (checksum != member.ContentXxh128)
        {
            (int first, int end) = ChunksOf(map);
            await FindDamageAsync(member, first, end, cancellationToken);
            throw Damaged(
                member,
                index.Chunks[Math.Min(first, index.Chunks.Count - 1)].OffsetBytes,
                "its content differs from the content that was read from the source (its checksum differs)");
        }
    }

    /// <summary>Writes as much of a member as can be recovered.</summary>
    /// <param name="member">The member.</param>
    /// <param name="sink">Receives each recovered byte of data once, in any order, from several threads.</param>
    /// <param name="bytesWritten">Receives the bytes of data written since the start.</param>
    /// <param name="cancellationToken">Stops promptly.</param>
    public async Task<SalvagedMember> SalvageAsync(
        ArchiveMember member, IExtentSink sink, IProgress<long>? bytesWritten, CancellationToken cancellationToken)
    {
        TarMap map = MapOf(member);
        ConcurrentBag<Extent> missing = [];
        ConcurrentBag<Extent> unproven = [];
        ConcurrentDictionary<int, int> prefixes = [];
        string? checksum = await WriteAsync(
            map, sink, verifiesChunks: true, (chunk, _) =>
            {
                int recovered = prefixes.GetValueOrDefault(chunk);
                long start = index.ContentOffset(chunk) + recovered;
                foreach (TarMap.Part part in map.PartsWithin(start, index.ContentBytes(chunk) - recovered))
                {
                    missing.Add(new Extent(part.OffsetBytes, part.Length));
                }
            },
            bytesWritten, cancellationToken, async (chunk, content, token) =>
            {
                prefixes[chunk] = content.Length;
                foreach (TarMap.Part part in map.PartsWithin(index.ContentOffset(chunk), content.Length))
                {
                    await sink.WriteAsync(part.OffsetBytes, content.Slice(part.Start, part.Length), token);
                    unproven.Add(new Extent(part.OffsetBytes, part.Length));
                }
            });
        return new SalvagedMember(
            ExtentList.Join(missing), ExtentList.Join(unproven), checksum == member.ContentXxh128);
    }

    /// <summary>Finds the members by the tar headers, for a backup whose manifest is lost.</summary>
    /// <param name="archive">Open for reading; the caller disposes it.</param>
    /// <param name="index">The known chunks.</param>
    /// <param name="method">The compression of the chunks.</param>
    /// <returns>A reader that accepts these members, which may extend beyond the end of the archive.</returns>
    public static async Task<(ArchiveReader Reader, IReadOnlyList<ArchiveMember> Members)> ScanAsync(
        SafeFileHandle archive, ArchiveIndex index, CompressionMethod method, CancellationToken cancellationToken)
    {
        IReadOnlyList<ArchiveMember> members = await new MemberScan(archive, index, method).RunAsync(cancellationToken);
        long end = members.Select(member => TarHeader.PaddedLength(member.DataOffsetBytes + member.DataBytes))
            .Append(index.TarBytes).Max();
        return (new ArchiveReader(archive, index.Extend(end), method), members);
    }

    /// <summary>Opens a member for reading at any offset. Only the checksums of the chunks are verified, so the index
    /// must already be verified.</summary>
    /// <param name="member">The member.</param>
    /// <param name="wanted">The extents that will be read, ascending.</param>
    /// <param name="ahead">Chunks that are unpacked beyond the one that is read.</param>
    /// <exception cref="ArchivingException">The member cannot be at the recorded place.</exception>
    public MemberReader OpenMember(ArchiveMember member, IReadOnlyList<Extent> wanted, int ahead) =>
        new(archive, index, method, MapOf(member), wanted, ahead);

    /// <summary>Reads every byte of the archive once and reports all damage.</summary>
    /// <param name="members">All members, as they were written.</param>
    /// <param name="fileSha256">SHA-256 of the whole file; null when the index is already verified.</param>
    /// <param name="fileName">The name of the archive in the findings.</param>
    /// <param name="bytesRead">Receives the bytes read from the file since the start.</param>
    /// <param name="cancellationToken">Stops promptly.</param>
    /// <returns>The damage in the order of the file; empty when the archive is good.</returns>
    public async Task<IReadOnlyList<ArchiveDamage>> VerifyAsync(
        IReadOnlyList<ArchiveMember> members,
        string? fileSha256,
        string fileName,
        IProgress<long>? bytesRead,
        CancellationToken cancellationToken)
    {
        using ArchiveVerification verification = new(archive, index, method, workers, members, fileName);
        return await verification.RunAsync(fileSha256, bytesRead, cancellationToken);
    }

    /// <summary>Compares the archive's bytes with their checksums, without unpacking. The index must already be
    /// verified.</summary>
    /// <param name="members">All members.</param>
    /// <param name="share">Of the chunks, above 0 and at most 1; a new random choice each time.</param>
    /// <param name="fileName">The name of the archive in the findings.</param>
    /// <param name="bytesRead">Receives the bytes read from the file since the start.</param>
    /// <param name="cancellationToken">Stops promptly.</param>
    /// <returns>The damage in the order of the file; empty when none was found.</returns>
    public Task<IReadOnlyList<ArchiveDamage>> VerifyBytesAsync(
        IReadOnlyList<ArchiveMember> members, double share, string fileName, IProgress<long>? bytesRead,
        CancellationToken cancellationToken) =>
        new ChunkProof(archive, index, members, workers, fileName).RunAsync(share, bytesRead, cancellationToken);

    /// <summary>Reads a small member, an XML for instance, into memory.</summary>
    /// <exception cref="ArchivingException">It is larger than the limit, or damaged.</exception>
    public async Task<byte[]> ReadSmallAsync(
        ArchiveMember member, int limitBytes, CancellationToken cancellationToken)
    {
        if (member.SizeBytes < 0 || member.SizeBytes > limitBytes)
        {
            throw new ArchivingException(
                $"{member.Name} has {member.SizeBytes} bytes; at most {limitBytes} are expected.",
                ExitCode.DamageFound);
        }

        byte[] content = new byte[member.SizeBytes];
        await ExtractAsync(member, new MemorySink(content), bytesWritten: null, cancellationToken);
        return content;
    }

    /// <summary>Unpacks the chunks that hold a member, and writes its data.</summary>
    /// <returns>The checksum of the content; null when a chunk could not be unpacked.</returns>
    private async Task<string?> WriteAsync(
        TarMap map, IExtentSink sink, bool verifiesChunks, Action<int, string> onDamage, IProgress<long>? bytesWritten,
        CancellationToken cancellationToken,
        Func<int, ReadOnlyMemory<byte>, CancellationToken, ValueTask>? onPrefix = null)
    {
        using ContentHash hash = new(map.Member.SizeBytes, map.Member.Extents, cancellationToken);
        long done = 0;
        bool isComplete = true;
        using ChunkScan scan = new(archive, index, method, workers)
        {
            VerifiesChunks = verifiesChunks,
            OnPrefix = onPrefix,
            OnDamage = (chunk, reason) =>
            {
                isComplete = false;
                onDamage(chunk, reason);
            },
            OnChunk = async (chunk, content, token) =>
            {
                foreach (TarMap.Part part in map.PartsWithin(index.ContentOffset(chunk), content.Length))
                {
                    ReadOnlyMemory<byte> data = content.Slice(part.Start, part.Length);
                    hash.Add(part.OffsetBytes, data.Span);
                    await sink.WriteAsync(part.OffsetBytes, data, token);
                    bytesWritten?.Report(Interlocked.Add(ref done, part.Length));
                }
            },
        };
        (int first, int end) = ChunksOf(map);
        await scan.RunAsync(first, end, cancellationToken);
        return isComplete ? hash.Finish() : null;
    }

    /// <summary>Throws for the first chunk whose bytes have another checksum; returns when there is none.</summary>
    private async Task FindDamageAsync(ArchiveMember member, int first, int end, CancellationToken cancellationToken)
    {
        using ChunkScan scan = new(archive, index, method, workers: 1)
        {
            OnDamage = (chunk, reason) => throw Damaged(member, index.Chunks[chunk].OffsetBytes, reason),
            OnChunk = (_, _, _) => ValueTask.CompletedTask,
        };
        await scan.RunAsync(first, end, cancellationToken);
    }

    private (int First, int End) ChunksOf(TarMap map)
    {
        int first = (int)(map.Member.DataOffsetBytes / index.ChunkSizeBytes);
        int end = (int)((map.DataEndBytes + index.ChunkSizeBytes - 1) / index.ChunkSizeBytes);
        return (first, map.DataBytes == 0 ? first : end);
    }

    internal static ArchivingException Damaged(ArchiveMember member, long offset, string reason) => new(
        $"{member.Name} cannot be read: the archive is damaged in the chunk at byte {offset}: {reason}. "
        + "Verify the backup to see what else is affected, and use another backup or another copy of this one.",
        ExitCode.DamageFound);

    private TarMap MapOf(ArchiveMember member)
    {
        (TarMap? map, string? fault) = TarMap.Create(member, index.TarBytes);
        return map ?? throw new ArchivingException(
            $"{member.Name} cannot be read: {fault}. The list of members was changed after the backup; use another "
            + "copy of this backup.",
            ExitCode.DamageFound);
    }

    private sealed class MemorySink(byte[] content) : IExtentSink
    {
        public ValueTask WriteAsync(
            long offsetBytes, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
        {
            data.CopyTo(content.AsMemory((int)offsetBytes));
            return ValueTask.CompletedTask;
        }
    }
}
