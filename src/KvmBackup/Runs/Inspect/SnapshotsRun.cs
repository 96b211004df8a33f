using KvmBackup.Ceph;
using KvmBackup.Journaling;
using KvmBackup.Planning;
using KvmBackup.Runs.Clusters;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Inspect;

/// <summary>Lists our snapshots in the configured clusters, and removes them on request.</summary>
public sealed class SnapshotsRun(
    SnapshotSubjects subjects, ClusterKeys keys, RbdClient cluster, ImageTrimmer trimmer,
    PendingSnapshotDeletions pendingDeletions,
    BackupDirectory target, TimeSpan wait, ILogger log)
{
    /// <param name="action">The requested action.</param>
    /// <param name="only">Names of domains, selections and images; null for the whole configuration.</param>
    /// <param name="isDryRun">Reports the snapshots to remove, and removes nothing.</param>
    /// <exception cref="KvmBackupException">
    /// A name is not in the configuration, libvirt does not answer, or the backups are missing: without them every
    /// snapshot would seem unused.
    /// </exception>
    public async Task<SnapshotsReport> RunAsync(
        SnapshotAction action, IReadOnlyList<string>? only, bool isDryRun, CancellationToken cancellationToken)
    {
        target.DemandMounted();
        List<(DomainName, SnapshotVerdict)> verdicts = [];
        List<string> removed = [];
        List<string> failures = [];
        int locked = 0;
        try
        {
            foreach ((string name, Func<Task<IReadOnlyList<SnapshotSubject>>> findAsync) in await subjects.ListAsync(
                only, cancellationToken))
            {
                try
                {
                    foreach (SnapshotSubject subject in await findAsync())
                    {
                        verdicts.AddRange((await RunAsync(action, subject, isDryRun, removed, cancellationToken))
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
        SnapshotAction action, SnapshotSubject subject, bool isDryRun, List<string> removed,
        CancellationToken cancellationToken)
    {
        DomainDirectory directory = target.ForDomain(subject.Identity.Name);

        // The lock protects the snapshots of a backup that is in progress, which would look unused.
        using DomainLock? held = action == SnapshotAction.List || isDryRun ? null
            : await directory.LockAsync(wait, cancellationToken);
        CompletedBackup[] own =
            [.. directory.List().Backups.Where(backup => backup.Manifest.DomainUuid == subject.Identity.Uuid)];
        List<SnapshotVerdict> verdicts = [];
        foreach ((DiskTarget disk, RbdLocation location) in subject.Disks)
        {
            IReadOnlyList<SnapshotVerdict> found = SnapshotPlanner.Decide(
                subject.Identity.Uuid, disk, location.Image, subject.Terms.FullEvery, subject.Terms.KeepOnCluster,
                await cluster.ListSnapshotsAsync(location, cancellationToken), own, own);
            verdicts.AddRange(found);
            foreach (SnapshotVerdict verdict in found.Where(verdict => IsRemoved(action, verdict)))
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

    private static bool IsRemoved(SnapshotAction action, SnapshotVerdict verdict) => action switch
    {
        SnapshotAction.Trim => verdict.Disposition == SnapshotDisposition.Removable,
        SnapshotAction.Reset => true,
        _ => false,
    };
}
