using KvmBackup.Ceph;
using KvmBackup.Configuration;
using KvmBackup.Guarding;
using KvmBackup.Planning;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Clusters;
using KvmBackup.Runs.Guests;
using KvmBackup.Runs.Images;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Backup;

/// <summary>Backs up the images of a selection, one after the other. A failure affects one image only.</summary>
public sealed class ImagesRun(
    BackupWorkflow workflow, ImageDryRun dryRun, ImageInspection inspection, RbdPool pools, BackupDirectory target,
    FaultInjection faults, TimeProvider time, ILogger log)
{
    private const string Interrupted = "the run was interrupted before its turn";

    /// <summary>Every failure is part of the reports.</summary>
    /// <param name="planned">The selection.</param>
    /// <param name="settings">The whole configuration.</param>
    /// <param name="inventory">The disks of the domains.</param>
    /// <param name="request">The operator's request.</param>
    /// <param name="watcher">Recovers when this run is killed.</param>
    /// <param name="progress">Gets the progress of the read.</param>
    public async Task<IReadOnlyList<JobReport>> RunAsync(
        PlannedImages planned, HostSettings settings, IReadOnlyList<DomainSummary> inventory, BackupRequest request,
        RecoveryWatcher? watcher, IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        DomainName name = new(planned.Selection.Name);
        if (!planned.IsDue)
        {
            log.Information("{Domain}: skipped: {Reason}", name, planned.Reason);
            return [JobReport.Without(name, JobOutcome.Skipped, planned.Reason)];
        }

        List<JobReport> reports = [];
        ImageChoice choice = await ChooseAsync(planned, reports, cancellationToken);
        reports.AddRange(choice.Unmatched.Select(unmatched => Failed(name, unmatched)));
        foreach (RbdImage image in choice.Images)
        {
            string? owner = settings.FindSelection(image) is { } first && first != planned.Selection
                ? $"it belongs to the selection {first.Name}, which comes first"
                : DomainInventory.FindOwner(image, planned.Selection, settings, inventory);
            reports.Add(owner is not null
                ? Skipped(ImageIdentity.NameOf(image), owner)
                : await RunAsync(image, planned, request, watcher, progress, cancellationToken));
        }

        return reports;
    }

    private async Task<ImageChoice> ChooseAsync(
        PlannedImages planned, List<JobReport> reports, CancellationToken cancellationToken)
    {
        ImageSelection selection = planned.Selection;
        try
        {
            return await SelectedPools.ChooseAsync(pools, selection, planned.Only, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            reports.Add(Failed(new DomainName(selection.Name), Interrupted));
        }
        catch (Exception failure)
        {
            reports.Add(Failed(new DomainName(selection.Name), Failure.Describe(failure)));
        }

        return new ImageChoice([], []);
    }

    private async Task<JobReport> RunAsync(
        RbdImage image, PlannedImages planned, BackupRequest request, RecoveryWatcher? watcher,
        IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        DomainName name = ImageIdentity.NameOf(image);
        if (cancellationToken.IsCancellationRequested)
        {
            return Failed(name, Interrupted);
        }

        try
        {
            BackupCatalogue existing = target.ForDomain(name).List();
            if (await inspection.FindDoneAsync(image, planned.Selection, existing, cancellationToken) is { } done)
            {
                return Skipped(name, done);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return Failed(name, Interrupted);
        }
        catch (Exception failure)
        {
            return Failed(name, Failure.Describe(failure));
        }

        return request.IsDryRun
            ? await dryRun.RunAsync(image, planned.Selection, planned.Reason, cancellationToken)
            : await workflow.RunAsync(
                new ImageBackup(image, planned.Selection, inspection, target, faults, time), planned.Reason,
                request.Wait, watcher, progress, cancellationToken);
    }

    private JobReport Skipped(DomainName name, string reason)
    {
        log.Information("{Domain}: skipped: {Reason}", name, reason);
        return JobReport.Without(name, JobOutcome.Skipped, reason);
    }

    private JobReport Failed(DomainName name, string reason)
    {
        log.Error("{Domain}: NOT BACKED UP: {Reason}", name, reason);
        return JobReport.Without(name, JobOutcome.Failed, $"NOT BACKED UP: {reason}");
    }
}
