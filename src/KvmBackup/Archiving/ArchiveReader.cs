using System.Collections.Concurrent;
using KvmBackup.Archiving.Checksums;
using KvmBackup.Archiving.Chunks;
using KvmBackup.Archiving.Codecs;
using KvmBackup.Archiving.Tar;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Archiving;

/// <summary>
/// One archive -> streams: reads a member without the others, on all cores, and proves every byte on the way. Neither
/// the index nor the members, which lie beside the archive, are trusted.
/// </summary>
public sealed class ArchiveReader
{
    private readonly SafeFileHandle archive;
    private readonly ArchiveIndex index;
    private readonly CompressionMethod method;
    private readonly int workers;

    /// <param name="archive">Open for reading; stays the caller's.</param>
    /// <param name="index">Its chunks.</param>
    /// <param name="method">How they are compressed.</param>
    /// <param name="threads">Chunks unpacked at once; 0 is one for each processor.</param>
    /// <exception cref="ArchivingException">The index cannot be right.</exception>
    public ArchiveReader(SafeFileHandle archive, ArchiveIndex index, CompressionMethod method, int threads = 0)
    {
        index.EnsureSound();
        this.archive = archive;
        this.index = index;
        this.method = method;
        workers = CodecFactory.Workers(threads);
    }

    /// <summary>Writes the content of one member to a sink; only the chunks that hold it are read.</summary>
    /// <param name="member">Which.</param>
    /// <param name="sink">Gets each byte of data once, in any order, from several threads; never a hole.</param>
    /// <param name="bytesWritten">Told the bytes of data written since the start.</param>
    /// <param name="cancellationToken">Stops promptly.</param>
    /// <exception cref="ArchivingException">The archive is damaged where it holds the member. What was written until
    /// then is worthless.</exception>
    public async Task ExtractAsync(
        ArchiveMember member, IExtentSink sink, IProgress<long>? bytesWritten, CancellationToken cancellationToken)
    {
        TarMap map = MapOf(member);

        // The checksum of the content, over all of it, is the proof; that of the packed bytes would cost as much again.
        string? checksum = await WriteAsync(
            map, sink, provesChunks: false, (chunk, reason) => throw Damaged(member, index.Chunks[chunk].OffsetBytes, reason),
            bytesWritten, cancellationToken);
        if (checksum != member.ContentXxh128)
        {
            (int first, int end) = ChunksOf(map);
            await FindDamageAsync(member, first, end, cancellationToken);
            throw Damaged(
                member,
                index.Chunks[Math.Min(first, index.Chunks.Count - 1)].OffsetBytes,
                "its content is not that which was read from the source (its checksum differs)");
        }
    }

    /// <summary>Writes as much of a member as can be had.</summary>
    /// <param name="member">Which.</param>
    /// <param name="sink">Gets each byte of data that is there once, in any order, from several threads.</param>
    /// <param name="bytesWritten">Told the bytes of data written since the start.</param>
    /// <param name="cancellationToken">Stops promptly.</param>
    public async Task<SalvagedMember> SalvageAsync(
        ArchiveMember member, IExtentSink sink, IProgress<long>? bytesWritten, CancellationToken cancellationToken)
    {
        TarMap map = MapOf(member);
        ConcurrentBag<Extent> missing = [];
        ConcurrentBag<Extent> unproven = [];
        ConcurrentDictionary<int, int> prefixes = [];
        string? checksum = await WriteAsync(
            map, sink, provesChunks: true, (chunk, _) =>
            {
                int had = prefixes.GetValueOrDefault(chunk);
                foreach (TarMap.Part part in map.PartsWithin(index.ContentOffset(chunk) + had, index.ContentBytes(chunk) - had))
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
        return new SalvagedMember(ExtentList.Join(missing), ExtentList.Join(unproven), checksum == member.ContentXxh128);
    }

    /// <summary>Finds the members of an archive by itself, for a backup whose manifest is lost.</summary>
    /// <param name="archive">Open for reading; stays the caller's.</param>
    /// <param name="index">As much as is known of its chunks.</param>
    /// <param name="method">How they are compressed.</param>
    /// <returns>A reader that takes these members, which may reach beyond the end of the archive.</returns>
    public static async Task<(ArchiveReader Reader, IReadOnlyList<ArchiveMember> Members)> ScanAsync(
        SafeFileHandle archive, ArchiveIndex index, CompressionMethod method, CancellationToken cancellationToken)
    {
        IReadOnlyList<ArchiveMember> members = await new MemberScan(archive, index, method).RunAsync(cancellationToken);
        long end = members.Select(member => TarHeader.PaddedLength(member.DataOffsetBytes + member.DataBytes))
            .Append(index.TarBytes).Max();
        return (new ArchiveReader(archive, index.Extend(end), method), members);
    }

    /// <summary>Opens a member to be read at any offset. It has no checksum of its own on that way: the index must be known to
    /// be right, for it holds the checksums of the chunks.</summary>
    /// <param name="member">Which.</param>
    /// <param name="wanted">What will be read of it, ascending.</param>
    /// <param name="ahead">Chunks that are unpacked beyond the one that is read.</param>
    /// <exception cref="ArchivingException">It cannot lie where it is said to.</exception>
    public MemberReader OpenMember(ArchiveMember member, IReadOnlyList<Extent> wanted, int ahead) =>
        new(archive, index, method, MapOf(member), wanted, ahead);

    /// <summary>Reads every byte of the archive once and says what is damaged; goes on after damage.</summary>
    /// <param name="members">All members, as they were written.</param>
    /// <param name="fileSha256">SHA-256 of the whole file; null when the index is known to be right.</param>
    /// <param name="fileName">How to call the archive in the findings.</param>
    /// <param name="bytesRead">Told the bytes read of the file since the start.</param>
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

    /// <summary>Compares the archive's bytes with their checksums and unpacks nothing. The index must be known to be right.</summary>
    /// <param name="members">All members.</param>
    /// <param name="share">Of the chunks, above 0 and at most 1; chosen anew each time.</param>
    /// <param name="fileName">How to call the archive in the findings.</param>
    /// <param name="bytesRead">Told the bytes read of the file since the start.</param>
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
                $"{member.Name} has {member.SizeBytes} bytes; at most {limitBytes} were expected of it.",
                ExitCode.DamageFound);
        }

        byte[] content = new byte[member.SizeBytes];
        await ExtractAsync(member, new MemorySink(content), bytesWritten: null, cancellationToken);
        return content;
    }

    /// <summary>Unpacks the chunks that hold a member, and writes its data.</summary>
    /// <returns>The checksum of the content; null when a chunk could not be had.</returns>
    private async Task<string?> WriteAsync(
        TarMap map, IExtentSink sink, bool provesChunks, Action<int, string> onDamage, IProgress<long>? bytesWritten,
        CancellationToken cancellationToken, Func<int, ReadOnlyMemory<byte>, CancellationToken, ValueTask>? onPrefix = null)
    {
        using ContentHash hash = new(map.Member.SizeBytes, map.Member.Extents, cancellationToken);
        long done = 0;
        bool isWhole = true;
        using ChunkScan scan = new(archive, index, method, workers)
        {
            ProvesChunks = provesChunks,
            OnPrefix = onPrefix,
            OnDamage = (chunk, reason) =>
            {
                isWhole = false;
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
        return isWhole ? hash.Finish() : null;
    }

    /// <summary>The content is wrong: says in which chunk, when that is one whose bytes are not those that were written.</summary>
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
        + "Verify the backup to see what else is touched, and use another backup or another copy of this one.",
        ExitCode.DamageFound);

    private TarMap MapOf(ArchiveMember member)
    {
        (TarMap? map, string? fault) = TarMap.Create(member, index.TarBytes);
        return map ?? throw new ArchivingException(
            $"{member.Name} cannot be read: {fault}. The list of members was changed after it was written; use "
            + "another copy of this backup.",
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
