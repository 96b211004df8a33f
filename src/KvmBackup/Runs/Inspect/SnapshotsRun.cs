using KvmBackup.Ceph;
using KvmBackup.Journaling;
using KvmBackup.Planning;
using KvmBackup.Runs.Clusters;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Inspect;

/// <summary>Shows our snapshots in the clusters of what is configured, and removes them when an operator says so.</summary>
public sealed class SnapshotsRun(
    SnapshotSubjects subjects, ClusterKeys keys, RbdClient cluster, ImageTrimmer trimmer, PendingSnapshotDeletions pendingDeletions,
    BackupDirectory target, TimeSpan wait, ILogger log)
{
    /// <param name="deed">What is wanted.</param>
    /// <param name="only">Names of domains, selections and images; null is all of the configuration.</param>
    /// <param name="isDryRun">Say what would be removed, and remove nothing.</param>
    /// <exception cref="KvmBackupException">A name is not in the configuration, or libvirt does not answer.</exception>
    public async Task<SnapshotsReport> RunAsync(
        SnapshotAction deed, IReadOnlyList<string>? only, bool isDryRun, CancellationToken cancellationToken)
    {
        List<(DomainName, SnapshotVerdict)> verdicts = [];
        List<string> removed = [];
        List<string> failures = [];
        int locked = 0;
        try
        {
            foreach ((string name, Func<Task<IReadOnlyList<SnapshotSubject>>> findAsync) in await subjects.ListAsync(only, cancellationToken))
            {
                try
                {
                    foreach (SnapshotSubject subject in await findAsync())
                    {
                        verdicts.AddRange((await RunAsync(deed, subject, isDryRun, removed, cancellationToken))
                            .Select(verdict => (subject.Identity.Name, verdict)));
                    }
                }
                catch (Exception failure) when (!Failure.IsInterruption(failure, cancellationToken))
                {
                    failures.Add($"{name}: {Failure.Describe(failure)}");
                    locked += failure is KvmBackupException { ExitCode: ExitCode.AlreadyRunning } ? 1 : 0;
                    log.Error("{Domain}: {Message}", name, Failure.Describe(failure));
                }
            }
        }
        finally
        {
            keys.Forget();
        }

        return new SnapshotsReport(verdicts, removed, failures, isDryRun)
        {
            LockedCount = locked,
            PendingDeletions = [.. pendingDeletions.List().Select(image => $"{image.Image}@{image.SnapshotName}")],
        };
    }

    private async Task<IReadOnlyList<SnapshotVerdict>> RunAsync(
        SnapshotAction deed, SnapshotSubject subject, bool isDryRun, List<string> removed, CancellationToken cancellationToken)
    {
        DomainDirectory directory = target.ForDomain(subject.Identity.Name);

        // A backup that is being made is known to nobody yet, and its snapshots would be taken for forgotten ones.
        using DomainLock? held = deed == SnapshotAction.List || isDryRun ? null : await directory.LockAsync(wait, cancellationToken);
        CompletedBackup[] own = [.. directory.List().Backups.Where(backup => backup.Manifest.DomainUuid == subject.Identity.Uuid)];
        List<SnapshotVerdict> verdicts = [];
        foreach ((DiskTarget disk, RbdLocation location) in subject.Disks)
        {
            IReadOnlyList<SnapshotVerdict> found = SnapshotPlanner.Decide(
                subject.Identity.Uuid, disk, location.Image, subject.Terms.FullEvery, subject.Terms.KeepOnCluster,
                await cluster.ListSnapshotsAsync(location, cancellationToken), own, own);
            verdicts.AddRange(found);
            foreach (SnapshotVerdict verdict in found.Where(verdict => IsDoomed(deed, verdict)))
            {
                if (!isDryRun)
                {
                    await trimmer.RemoveAsync(location, verdict.Snapshot);
                }

                removed.Add($"{location.Image}@{verdict.Snapshot.Name}");
            }
        }

        return verdicts;
    }

    private static bool IsDoomed(SnapshotAction deed, SnapshotVerdict verdict) => deed switch
    {
        SnapshotAction.Trim => verdict.Disposition == SnapshotDisposition.Removable,
        SnapshotAction.Reset => true,
        _ => false,
    };
}
