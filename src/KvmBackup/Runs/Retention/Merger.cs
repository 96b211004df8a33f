using System.Text;
using KvmBackup.Archiving;
using KvmBackup.Configuration;
using KvmBackup.Planning;
using KvmBackup.Runs.Archives;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Transfer;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Retention;

/// <summary>
/// Merges an increment and the backups on which it depends into a full backup, without the cluster. The full backup
/// replaces the increment only after it was read back and verified; nothing is deleted before, and after every step the
/// chain can be restored.
/// </summary>
public sealed class Merger(
    Archiver archiver, BackupVerifier verifier, RetentionRunner retention, FaultInjection faults,
    BackupDirectory target,
    TimeProvider time, ILogger log)
{
    private const string GuideName = "RESTORE.md";
    private const int LongestGuideBytes = 1 << 20;

    // Chunks of 8 MiB, compressed and uncompressed, over all backups that are read at the same time.
    private const int ChunksAtOnce = 14;

    /// <summary>Merges while that allows retention to delete a full backup, and deletes it.</summary>
    /// <param name="directory">The domain's backups.</param>
    /// <param name="terms">The configuration.</param>
    /// <param name="proof">The newest good backup.</param>
    /// <param name="held">The lock of the directory.</param>
    /// <exception cref="KvmBackupException">A backup is damaged, or the target is not writable: the chain is
    /// unchanged.</exception>
    public async Task<MergeResult> MergeAsync(
        DomainDirectory directory, BackupSettings terms, CompletedBackup proof, DomainLock held,
        CancellationToken cancellationToken)
    {
        List<CompletedBackup> merged = [];
        List<RetentionVerdict> removed = [];
        while (terms.FullEvery is { IsMerging: true }
            && MergePlanner.Plan(terms.Retention, proof, directory.List().Backups) is { } plan)
        {
            CompletedBackup full = await TryAsync(directory, plan, terms, held, cancellationToken);
            proof = full.Id == proof.Id ? full : proof;
            merged.Add(full);
            removed.AddRange(retention.Retain(directory, directory.List().Backups, terms.Retention, proof, held));
        }

        return new MergeResult(merged, removed);
    }

    private async Task<CompletedBackup> TryAsync(
        DomainDirectory directory, MergePlan plan, BackupSettings terms, DomainLock held,
        CancellationToken cancellationToken)
    {
        string what = $"{string.Join(", ", plan.From.SkipLast(1).Select(one => one.Id))} into {plan.Point.Id}";
        log.Information("{Domain}: merging {What}", plan.Point.Domain, what);
        try
        {
            return await MergeAsync(directory, plan, terms, held, cancellationToken);
        }
        catch (OperationCanceledException failure) when (cancellationToken.IsCancellationRequested)
        {
            throw new RunsException($"merging {what} was interrupted; all of them stay until the merge is complete",
                ExitCode.Failed, failure);
        }
        catch (KvmBackupException failure)
        {
            throw new RunsException(
                $"merging {what} failed, so all of them stay: {failure.Message}", failure.ExitCode, failure);
        }
    }

    private async Task<CompletedBackup> MergeAsync(
        DomainDirectory directory, MergePlan plan, BackupSettings terms, DomainLock held,
        CancellationToken cancellationToken)
    {
        CompletedBackup point = plan.Point;
        if (target.AvailableBytes < plan.LikelyBytes)
        {
            throw new RunsException(
                $"{target.DirectoryPath} has {ByteSize.Format(target.AvailableBytes)} free, and up to "
                    + $"{ByteSize.Format(plan.LikelyBytes)} are required before the old backups can be deleted");
        }

        await using PendingBackup pending = directory.BeginMerged(point, held);
        Manifest manifest = await WriteAsync(plan, pending, terms, cancellationToken);
        await verifier.ProveAsync(pending.DirectoryPath, manifest, cancellationToken);
        faults.Pass(point.Domain, JobStep.MergeProven);
        CompletedBackup merged = await pending.PublishAsync(manifest, cancellationToken);
        faults.Pass(point.Domain, JobStep.MergePublished);
        directory.RemoveMerged(point, merged, held);
        faults.Pass(point.Domain, JobStep.Merged);
        return merged;
    }

    private async Task<Manifest> WriteAsync(
        MergePlan plan, PendingBackup pending, BackupSettings terms, CancellationToken cancellationToken)
    {
        using OpenBackups open = new();
        foreach (CompletedBackup backup in plan.From)
        {
            open.Add(await OpenIntactAsync(backup, cancellationToken));
        }

        TransferMonitor monitor = new(plan.Point.Domain, plan.DataBytes, progress: null);
        await using ReadWatchdog guard = new(
            [], monitor, terms.StallTimeout, () => Task.FromResult(false), time, cancellationToken);
        Manifest? manifest = null;
        await guard.ProtectAsync(
            async token => manifest = await WriteAsync(plan, open, pending, terms, monitor, token));
        return manifest!;
    }

    private async Task<Manifest> WriteAsync(
        MergePlan plan, OpenBackups open, PendingBackup pending, BackupSettings terms,
        TransferMonitor monitor, CancellationToken cancellationToken)
    {
        Manifest old = plan.Point.Manifest;
        BackupReader point = open[old.Id];
        Compression compression = terms.Compression.Method == old.Archive.Compression
            ? terms.Compression : new Compression(old.Archive.Compression);
        await using BackupArchive archive = new(old.Domain, pending, archiver, compression, old.StartedAt);
        Dictionary<DiskTarget, ArchiveMember> images = [];
        foreach (ArchiveMember member in old.Members)
        {
            string name = member.Name[(old.Domain.FileName.Length + 1)..];
            if (plan.Images.FirstOrDefault(image => IsOf(image, old, name)) is { } assembly)
            {
                images.Add(assembly.Target, await AddImageAsync(assembly, open, archive, monitor, cancellationToken));
            }
            else if (name == GuideName)
            {
                string guide =
                    Encoding.UTF8.GetString(
                        await point.Reader.ReadSmallAsync(member, LongestGuideBytes, cancellationToken));
                _ = await archive.AddAsync(
                    name, Encoding.UTF8.GetBytes(RestoreGuide.Merge(guide, old)), cancellationToken);
            }
            else
            {
                await using MemberReader copy = point.Reader.OpenMember(member, member.Extents, ChunksAtOnce);
                ArchiveMember copied =
                    await archive.AddAsync(name, copy, monitor.Begin($"copying {name}"), cancellationToken);
                EnsureSameContent(member, copied);
            }
        }

        ManifestArchive file = await archive.CompleteAsync(cancellationToken);
        return old with
        {
            Kind = BackupKind.Full,
            Archive = file,
            Disks = [.. old.Disks
                .Select(disk => images.TryGetValue(disk.Target, out ArchiveMember? full) ? MergePlan.Full(disk, full)
                    : disk)],
            Members = archive.Members,
            MergedFrom = [.. plan.From.Select(backup => backup.Id)],
        };
    }

    private static bool IsOf(ImageAssembly image, Manifest manifest, string memberName) =>
        manifest.Disks.Single(disk => disk.Target == image.Target).Layers[0].FileName == memberName;

    private static async Task<ArchiveMember> AddImageAsync(
        ImageAssembly assembly, OpenBackups open, BackupArchive archive, TransferMonitor monitor,
        CancellationToken cancellationToken)
    {
        await using AssembledDisk image = AssembledDisk.Open(assembly, id => open[id], ChunksAtOnce);
        string name = ManifestImage.MemberName(assembly.Target, isFull: true);
        return await archive.AddAsync(name, image.Content, monitor.Begin($"merging {name}"), cancellationToken);
    }

    /// <summary>Opens a backup without damage: random reads are verified only by the checksums of the chunks.</summary>
    private async Task<BackupReader> OpenIntactAsync(CompletedBackup backup, CancellationToken cancellationToken)
    {
        BackupReader open = await BackupReader.OpenAsync(backup, log, cancellationToken);
        if (open.Damages.Count == 0)
        {
            return open;
        }

        open.Dispose();
        throw new RunsException(
            $"the backup {backup.Id} is damaged ({open.Damages[0].File}: {open.Damages[0].Reason}); see kvmbackup "
                + "verify "
            + ShellWord.Quote($"{backup.Domain}@{backup.Id}"), ExitCode.DamageFound);
    }

    private static void EnsureSameContent(ArchiveMember member, ArchiveMember copied)
    {
        if (copied.ContentXxh128 != member.ContentXxh128)
        {
            throw new RunsException($"{member.Name}: the copied content differs from the backup", ExitCode.DamageFound);
        }
    }
}

/// <summary>The result of merging the oldest backups of a domain.</summary>
/// <param name="Merged">The full backups that replaced increments.</param>
/// <param name="Removed">The backups that retention deleted after that.</param>
public sealed record MergeResult(IReadOnlyList<CompletedBackup> Merged, IReadOnlyList<RetentionVerdict> Removed)
{
    public static readonly MergeResult Nothing = new([], []);
}
