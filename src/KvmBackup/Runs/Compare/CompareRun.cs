using KvmBackup.Configuration;
using KvmBackup.Hypervisor;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Guests;
using KvmBackup.Runs.Images;
using KvmBackup.Runs.Recover;
using KvmBackup.Runs.Transfer;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Compare;

/// <summary>
/// The command <c>compare</c>: compares a backup with its source. A guest that is off is read as it is; a running
/// guest or an image through a new snapshot, in the backup sequence, so that recovery is the same. Nothing is
/// published.
/// </summary>
public sealed class CompareRun(
    HostSettings settings, BackupDirectory backups, LibvirtHost host, ExclusiveRuns runs, CompareWorkflow workflow,
    Func<DomainIdentity, DomainSettings, GuestBackup> guest, Func<RbdImage, ImageSelection, ImageBackup> image,
    ILogger log)
{
    /// <exception cref="KvmBackupException">There is no such backup, or the source cannot be captured or
    /// read.</exception>
    public async Task<CompareReport> RunAsync(
        CompareRequest request, IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        DomainDirectory directory = backups.ForDomain(request.Domain);
        CompletedBackup backup = directory.Find(request.IdPrefix);
        Manifest manifest = backup.Manifest;
        BackupSettings terms = settings.FindSettings(manifest) ?? throw new RunsException(
            $"no selection of images of the configuration covers {manifest.Domain}, and it defines how the image is "
            + "read: add it, with day_of_week: [] if it is not to be backed up", ExitCode.Usage);
        IReadOnlyList<ManifestDisk> disks = Choose(backup, request.Disks);
        await using ExclusiveRun run = await runs.BeginAsync(request.Wait, changesGuests: true, cancellationToken);
        BackupCatalogue existing = directory.List();
        ComparedBackup opened = await ComparedBackup.OpenAsync(backup, disks, existing.Backups, log, run.Token);
        await using TargetScope closing = new(opened, backup.DirectoryPath, terms.StallTimeout, log);
        try
        {
            IBackupSubject subject = terms is ImageSelection selection
                ? image(ImageIdentity.Find(manifest.Domain)!, ForComparison(selection))
                : guest(await FindAsync(manifest, run.Token), ForComparison((DomainSettings)terms, disks));
            CompareReport report = await workflow.RunAsync(
                subject, opened, existing, run.Watcher, progress, run.Token);
            return report with { Recovery = run.Recovery };
        }
        catch (Exception failure) when (failure is not (KvmBackupException or OperationCanceledException))
        {
            throw new RunsException(
                $"{backup.Domain} was not compared: {Failure.Describe(failure)}", ExitCode.Failed, failure);
        }
    }

    /// <summary>Complete disks, without the chain: an increment only holds changes.</summary>
    private static DomainSettings ForComparison(DomainSettings domain, IReadOnlyList<ManifestDisk> disks) => domain with
    {
        FullEvery = null,
        Disks = domain.Disks with { Only = [.. disks.Select(disk => disk.Target)] },
    };

    /// <summary>Through our own snapshot: one of another program is of another point in time.</summary>
    private static ImageSelection ForComparison(ImageSelection selection) =>
        selection with { FullEvery = null, External = null };

    private static IReadOnlyList<ManifestDisk> Choose(CompletedBackup backup, IReadOnlyList<DiskTarget> requested)
    {
        IReadOnlyList<ManifestDisk> there = backup.Manifest.Disks;
        DiskTarget[] unknown = [.. requested.Where(target => there.All(disk => disk.Target != target))];
        return unknown.Length == 0 ? [.. there.Where(disk => requested.Count == 0 || requested.Contains(disk.Target))]
            : throw new RunsException(
                $"{backup.Domain}@{backup.Id} has no disk {string.Join(", ", unknown)}; it holds "
                + $"{string.Join(", ", there.Select(disk => disk.Target))}.", ExitCode.Usage);
    }

    /// <summary>The domain of the backup, or else the one that has its name now, which is reported.</summary>
    private async Task<DomainIdentity> FindAsync(Manifest manifest, CancellationToken cancellationToken)
    {
        IReadOnlyList<DomainIdentity> known = await host.ListAsync(cancellationToken);
        return known.FirstOrDefault(domain => domain.Uuid == manifest.DomainUuid)
            ?? known.FirstOrDefault(domain => domain.Name == manifest.Domain)
            ?? throw new RunsException(
                $"libvirt has no domain {manifest.Domain}, nor one with the UUID {manifest.DomainUuid}: there is "
                + "nothing to compare with");
    }
}
