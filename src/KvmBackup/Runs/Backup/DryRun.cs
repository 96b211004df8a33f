using KvmBackup.Ceph;
using KvmBackup.Configuration;
using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Planning;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Guests;
using KvmBackup.Storage;

namespace KvmBackup.Runs.Backup;

/// <summary>Inspects a domain as a backup would, and lists every command that would change something. Runs
/// none.</summary>
public sealed class DryRun(
    Preflight preflight, GuestAgent agent, OverlaySnapshot snapshot, OverlayCommit commit, BackupDirectory target,
    TimeProvider time)
{
    public async Task<JobReport> RunAsync(
        DomainIdentity domain, DomainSettings settings, string reason, CancellationToken cancellationToken)
    {
        BackupId id = new(time.GetUtcNow());
        DomainDirectory directory = target.ForDomain(domain.Name);
        try
        {
            _ = target.CheckWritable();
            BackupCatalogue existing = directory.List();
            DomainJob job = await preflight.PrepareAsync(domain, settings, existing, target, id, cancellationToken);
            return new JobReport(
                domain.Name, JobOutcome.Planned, reason + settings.Limits.Clause, null, TimeSpan.Zero, job.Warnings, [],
                [.. Commands(job, directory, existing, id)]);
        }
        catch (Exception failure) when (!Failure.IsInterruption(failure, cancellationToken))
        {
            return JobReport.Without(
                domain.Name, JobOutcome.Failed, $"it would not be backed up: {Failure.Describe(failure)}");
        }
    }

    private IEnumerable<string> Commands(
        DomainJob job, DomainDirectory directory, BackupCatalogue existing, BackupId id)
    {
        DomainFacts domain = job.Facts;
        bool freezes = job.Settings.Quiesce != QuiesceMode.Off
            && domain is { HasAgentChannel: true, State: DomainState.Running };
        yield return Begin(job, directory, id);
        bool isEncrypted = job.Overlays.Any(overlay => overlay.Encryption is not null);
        foreach (PlannedOverlay overlay in isEncrypted ? job.Overlays : [])
        {
            yield return QemuImage.CreateOverlayCall(overlay).ToString();
        }

        if (freezes)
        {
            yield return agent.FreezeCall(domain.Identity, job.Settings.FreezeTimeout).ToString();
        }

        if (job.Overlays.Count > 0)
        {
            yield return snapshot.CreateCall(domain, id, job.Overlays).ToString();
        }

        foreach (string command in Snapshots(job))
        {
            yield return command;
        }

        if (freezes)
        {
            yield return agent.ThawCall(domain.Identity).ToString();
        }

        foreach (PlannedOverlay overlay in job.Overlays)
        {
            yield return commit.CommitCall(domain.Identity, overlay).ToString();
            yield return commit.PivotCall(domain.Identity, overlay).ToString();
            yield return $"rm {ShellWord.Quote(overlay.OverlayPath)}";
        }

        foreach (string command in End(job, directory, existing, id))
        {
            yield return command;
        }
    }

    /// <summary>The first command of every backup.</summary>
    internal static string Begin(BackupJob job, DomainDirectory directory, BackupId id) =>
        $"mkdir -m 0700 {ShellWord.Quote(directory.PendingPathOf(id, job.Kind))}";

    /// <summary>The commands that create snapshots of images.</summary>
    internal static IEnumerable<string> Snapshots(BackupJob job) => job.Images
        .Where(image => image.ExternalId is null)
        .Select(image => RbdClient.CreateSnapshotCall(
            image.Location, image.SnapshotName, OverlaySnapshot.Limit).ToString());

    /// <summary>The commands that publish the backup and remove old ones.</summary>
    internal static IEnumerable<string> End(
        BackupJob job, DomainDirectory directory, BackupCatalogue existing, BackupId id)
    {
        string pending = ShellWord.Quote(directory.PendingPathOf(id, job.Kind));
        return
        [
            $"mv {pending} {ShellWord.Quote(directory.PathOf(id, job.Kind))}",
            .. Removals(job, existing.Backups, id).Select(
                verdict => $"rm -r {ShellWord.Quote(verdict.Backup.DirectoryPath)}   # {verdict.Reason}"),
        ];
    }

    private static IEnumerable<RetentionVerdict> Removals(
        BackupJob job, IReadOnlyList<CompletedBackup> backups, BackupId id)
    {
        CompletedBackup? last = backups.FirstOrDefault(backup => backup.Manifest.DomainUuid == job.Identity.Uuid);
        if (last is null)
        {
            return [];
        }

        // The backup that this run would make, with what retention reads of one.
        Manifest manifest = last.Manifest with { Id = id, Kind = job.Kind };
        CompletedBackup next = last with { Manifest = manifest, IsProtected = false };
        return RetentionPlanner.Decide(job.Terms.Retention, next, [next, .. backups]).Verdicts
            .Where(verdict => !verdict.IsKept);
    }
}
