using KvmBackup.Configuration;
using KvmBackup.Guarding;
using KvmBackup.Planning;
using KvmBackup.Runs.Guests;
using Serilog;

namespace KvmBackup.Runs.Backup;

/// <summary>Backs up the domain of one planned job, or reports why that is not done.</summary>
/// <param name="workflow">The backup sequence.</param>
/// <param name="dryRun">Takes its place in a dry run.</param>
/// <param name="subject">Makes the subject of a backup.</param>
/// <param name="log">Gets what is skipped.</param>
public sealed class GuestsRun(
    BackupWorkflow workflow, DryRun dryRun, Func<DomainIdentity, DomainSettings, GuestBackup> subject, ILogger log)
{
    /// <param name="job">The planned job.</param>
    /// <param name="known">The domains that libvirt has.</param>
    /// <param name="request">The operator's request.</param>
    /// <param name="watcher">Recovers the guest when this run is killed.</param>
    /// <param name="progress">Gets the progress of the read.</param>
    public async Task<JobReport> RunAsync(
        PlannedJob job, IReadOnlyList<DomainIdentity> known, BackupRequest request, RecoveryWatcher? watcher,
        IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        DomainName name = job.Domain.Name;
        if (!job.IsDue)
        {
            log.Information("{Domain}: skipped: {Reason}", name, job.Reason);
            return JobReport.Without(name, JobOutcome.Skipped, job.Reason);
        }

        if (cancellationToken.IsCancellationRequested)
        {
            return JobReport.Without(name, JobOutcome.Failed, "NOT BACKED UP: the run was interrupted before its turn");
        }

        if (known.FirstOrDefault(candidate => candidate.Name == name) is not { } domain)
        {
            string existing = known.Count == 0 ? "it has none at all"
                : "it has " + string.Join(", ", known.Select(one => one.Name));
            string text = "NOT BACKED UP: it is in the configuration, but libvirt has no such domain "
                + $"({existing}); correct the name or remove the section";
            log.Error("{Domain}: {Text}", name, text);
            return JobReport.Without(name, JobOutcome.Failed, text);
        }

        return request.IsDryRun
            ? await dryRun.RunAsync(domain, job.Domain, job.Reason, cancellationToken)
            : await workflow.RunAsync(
                subject(domain, job.Domain), job.Reason, request.Wait, watcher, progress, cancellationToken);
    }
}
