using KvmBackup.Configuration;
using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Model;
using KvmBackup.Planning;
using KvmBackup.Storage;

namespace KvmBackup.Runs;

/// <summary>Looks at a domain as a backup would, and tells every command that would change something. Runs none.</summary>
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
            PreparedJob job = await preflight.PrepareAsync(domain, settings, directory, target, id, cancellationToken);
            return new JobReport(
                domain.Name, JobOutcome.Planned, reason, null, TimeSpan.Zero, job.Warnings, [],
                [.. Commands(job, directory, id)]);
        }
        catch (Exception failure) when (failure is KvmBackupException or IOException or UnauthorizedAccessException)
        {
            return new JobReport(
                domain.Name, JobOutcome.Failed, $"it would not be backed up: {failure.Message}", null, TimeSpan.Zero, [], [], []);
        }
    }

    private IEnumerable<string> Commands(PreparedJob job, DomainDirectory directory, BackupId id)
    {
        DomainFacts domain = job.Facts;
        bool freezes = job.Settings.Quiesce != QuiesceMode.Off && domain is { HasAgentChannel: true, State: DomainState.Running };
        string final = ShellWord.Quote(directory.PathOf(id, job.Kind));
        string partial = ShellWord.Quote(directory.PathOf(id, job.Kind) + ".partial");
        yield return $"mkdir -m 0700 {partial}";
        if (freezes)
        {
            yield return agent.FreezeCall(domain.Identity, job.Settings.FreezeTimeout).ToString();
        }

        if (job.Overlays.Count > 0)
        {
            yield return snapshot.CreateCall(domain, id, job.Overlays).ToString();
        }

        foreach (TakenImage image in job.Images)
        {
            yield return RbdClient.CreateSnapshotCall(image.Location, image.SnapshotName, OverlaySnapshot.Limit).ToString();
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

        yield return $"mv {partial} {final}";
        foreach (RetentionVerdict verdict in Removals(job, directory, id))
        {
            yield return $"rm -r {ShellWord.Quote(verdict.Backup.DirectoryPath)}   # {verdict.Reason}";
        }
    }

    private static IEnumerable<RetentionVerdict> Removals(PreparedJob job, DomainDirectory directory, BackupId id)
    {
        IReadOnlyList<CompletedBackup> backups = directory.List().Backups;
        CompletedBackup? last = backups.FirstOrDefault(backup => backup.Manifest.DomainUuid == job.Facts.Uuid);
        if (last is null)
        {
            return [];
        }

        // The backup that this run would make, as far as retention looks at one.
        CompletedBackup next = last with { Manifest = last.Manifest with { Id = id, Kind = job.Kind }, IsProtected = false };
        return RetentionPlanner.Decide(job.Settings.Retention, next, [next, .. backups]).Verdicts
            .Where(verdict => !verdict.IsKept);
    }
}
