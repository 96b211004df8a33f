using KvmBackup.Configuration;
using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Model;
using KvmBackup.Planning;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs;

/// <summary>Shows our snapshots in the clusters of the configured domains, and removes them when an operator says so.</summary>
public sealed class SnapshotsRun(
    HostSettings settings, LibvirtHost host, MappedImages mapped, ClusterAccess access, ClusterKeys keys, RbdClient cluster, ImageTrimmer trimmer,
    BackupDirectory target, TimeSpan wait, ILogger log)
{
    /// <param name="deed">What is wanted.</param>
    /// <param name="only">The domains; null is all of the configuration.</param>
    /// <param name="isDryRun">Say what would be removed, and remove nothing.</param>
    /// <exception cref="KvmBackupException">A name is not in the configuration, or libvirt does not answer.</exception>
    public async Task<SnapshotsReport> RunAsync(
        SnapshotsDeed deed, IReadOnlyList<string>? only, bool isDryRun, CancellationToken cancellationToken)
    {
        List<(DomainName, SnapshotVerdict)> verdicts = [];
        List<string> removed = [];
        List<string> failures = [];
        IReadOnlyList<DomainIdentity> known = await host.ListAsync(cancellationToken);
        try
        {
            foreach (DomainSettings domain in Select(only))
            {
                try
                {
                    DomainIdentity identity = known.FirstOrDefault(candidate => candidate.Name == domain.Name)
                        ?? throw new RunsException("libvirt has no such domain");
                    verdicts.AddRange((await RunAsync(deed, identity, domain, isDryRun, removed, cancellationToken))
                        .Select(verdict => (domain.Name, verdict)));
                }
                catch (KvmBackupException failure)
                {
                    failures.Add($"{domain.Name}: {failure.Message}");
                    log.Error("{Domain}: {Message}", domain.Name, failure.Message);
                }
            }
        }
        finally
        {
            keys.Forget();
        }

        return new SnapshotsReport(verdicts, removed, failures, isDryRun);
    }

    private IEnumerable<DomainSettings> Select(IReadOnlyList<string>? only)
    {
        string? missing = only?.FirstOrDefault(name => settings.Domains.All(domain => domain.Name.Value != name));
        return missing is not null
            ? throw new RunsException(
                $"'{missing}' is not in the configuration; it has {string.Join(", ", settings.Domains.Select(domain => domain.Name))}.",
                ExitCode.Usage)
            : settings.Domains.Where(domain => only is null || only.Contains(domain.Name.Value));
    }

    private async Task<IReadOnlyList<SnapshotVerdict>> RunAsync(
        SnapshotsDeed deed, DomainIdentity domain, DomainSettings wanted, bool isDryRun, List<string> removed,
        CancellationToken cancellationToken)
    {
        DomainDirectory directory = target.ForDomain(domain.Name);

        // A backup that is being made is known to nobody yet, and its snapshots would be taken for forgotten ones.
        using DomainLock? held = deed == SnapshotsDeed.List || isDryRun ? null : await directory.LockAsync(wait, cancellationToken);
        CompletedBackup[] own = [.. directory.List().Backups.Where(backup => backup.Manifest.DomainUuid == domain.Uuid)];
        DomainFacts facts = await host.DescribeAsync(domain, cancellationToken);
        List<SnapshotVerdict> verdicts = [];
        foreach (DiskFacts disk in mapped.Resolve(facts.Disks).Where(disk => disk.Rbd is not null && wanted.Disks.Includes(disk.Target)))
        {
            RbdLocation location = await access.LocateAsync(disk.Rbd!, wanted.Ceph, cancellationToken);
            IReadOnlyList<SnapshotVerdict> found = SnapshotPlanner.Decide(
                domain.Uuid, disk.Target, location.Image, wanted.FullEvery, wanted.KeepOnCluster,
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

    private static bool IsDoomed(SnapshotsDeed deed, SnapshotVerdict verdict) => deed switch
    {
        SnapshotsDeed.Trim => verdict.Fate == SnapshotFate.Removable,
        SnapshotsDeed.Reset => true,
        _ => false,
    };
}
