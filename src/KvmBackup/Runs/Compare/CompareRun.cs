using KvmBackup.Ceph;
using KvmBackup.Configuration;
using KvmBackup.Guarding;
using KvmBackup.Hypervisor;
using KvmBackup.Runs.Guests;
using KvmBackup.Runs.Images;
using KvmBackup.Runs.Recover;
using KvmBackup.Runs.Transfer;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Compare;

/// <summary>
/// Compares a backup with its source: a guest that is off as it lies there, one that runs and an image through a fresh pin,
/// in the order of a backup, so that whatever undoes an interrupted backup undoes this. Nothing is published.
/// </summary>
public sealed class CompareRun(
    HostSettings settings, BackupDirectory backups, LibvirtHost host, RecoverRun recover, CompareWorkflow course,
    Func<DomainIdentity, DomainSettings, GuestBackup> guest, Func<RbdImage, ImageSelection, ImageBackup> image,
    WatcherCommand watch, HostShutdown shutdown, ClusterKeys keys, TimeProvider time, ILogger log)
{
    /// <exception cref="KvmBackupException">There is no such backup, or the source cannot be held or read.</exception>
    public async Task<CompareReport> RunAsync(
        CompareRequest request, IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        DomainDirectory directory = backups.ForDomain(request.Domain);
        CompletedBackup backup = directory.Find(request.IdPrefix);
        BackupSettings terms = settings.FindSettings(backup.Manifest.Domain, backup.Manifest.FindImages()) ?? throw new RunsException(
            $"{backup.Manifest.Domain} is not in the configuration, which says how its source is held while it is read: add it, with "
            + "day_of_week: [] if it is not to be backed up", ExitCode.Usage);
        IReadOnlyList<ManifestDisk> disks = Choose(backup, request.Disks);
        using RunLock held = await RunLock.AcquireAsync(settings.StateDirectory, request.Wait, time, cancellationToken);
        await using RecoveryWatcher watcher = RecoveryWatcher.Arm(watch, log);
        await using ShutdownDelay delay = shutdown.Delay(cancellationToken);
        RecoveryReport recovery = await recover.RecoverAsync(delay.Token);
        ComparedBackup opened = await ComparedBackup.OpenAsync(backup, disks, directory.List().Backups, log, delay.Token);
        try
        {
            CompareReport report = terms is ImageSelection selection
                ? await course.RunAsync(
                    image(ImageIdentity.Find(backup.Manifest.Domain)!, ForComparison(selection)), opened, directory, watcher, progress, delay.Token)
                : await course.RunAsync(
                    guest(await FindAsync(backup.Manifest, delay.Token), ForComparison((DomainSettings)terms, disks)), opened,
                    directory, watcher, progress, delay.Token);
            return report with { Recovery = recovery };
        }
        catch (Exception failure) when (failure is not (KvmBackupException or OperationCanceledException))
        {
            throw new RunsException($"{backup.Domain} was not compared: {Failure.Describe(failure)}", ExitCode.Failed, failure);
        }
        finally
        {
            keys.Forget();
            await TargetTimeout.DisposeAsync(opened, backup.DirectoryPath, terms.StallTimeout, log);
        }
    }

    /// <summary>Whole, whatever the chain: an increment tells what changed, not what is there.</summary>
    private static DomainSettings ForComparison(DomainSettings domain, IReadOnlyList<ManifestDisk> disks) => domain with
    {
        FullEvery = null,
        Disks = domain.Disks with { Only = [.. disks.Select(disk => disk.Target)] },
    };

    /// <summary>Through a snapshot of our own: that of another program is of another instant.</summary>
    private static ImageSelection ForComparison(ImageSelection selection) => selection with { FullEvery = null, External = null };

    private static IReadOnlyList<ManifestDisk> Choose(CompletedBackup backup, IReadOnlyList<DiskTarget> asked)
    {
        IReadOnlyList<ManifestDisk> there = backup.Manifest.Disks;
        DiskTarget[] unknown = [.. asked.Where(target => there.All(disk => disk.Target != target))];
        return unknown.Length == 0 ? [.. there.Where(disk => asked.Count == 0 || asked.Contains(disk.Target))]
            : throw new RunsException(
                $"{backup.Domain}@{backup.Id} has no disk {string.Join(", ", unknown)}; it holds "
                + $"{string.Join(", ", there.Select(disk => disk.Target))}.", ExitCode.Usage);
    }

    /// <summary>The guest that it was made of, or else the one that bears its name now, which is told.</summary>
    private async Task<DomainIdentity> FindAsync(Manifest manifest, CancellationToken cancellationToken)
    {
        IReadOnlyList<DomainIdentity> known = await host.ListAsync(cancellationToken);
        return known.FirstOrDefault(domain => domain.Uuid == manifest.DomainUuid)
            ?? known.FirstOrDefault(domain => domain.Name == manifest.Domain)
            ?? throw new RunsException(
                $"libvirt has no domain {manifest.Domain}, nor one with the UUID {manifest.DomainUuid}: there is nothing to compare with");
    }
}
