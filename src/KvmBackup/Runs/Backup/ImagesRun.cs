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

/// <summary>The images without guests that are due, one after the other. One image's failure stays its own.</summary>
public sealed class ImagesRun(
    BackupWorkflow course, ImageDryRun dryRun, ImageInspection look, RbdPool pools, BackupDirectory target, FaultInjection gate,
    TimeProvider time, ILogger log)
{
    /// <summary>Never throws for what befalls a selection: the reports tell it.</summary>
    /// <param name="planned">A selection.</param>
    /// <param name="settings">The whole configuration.</param>
    /// <param name="census">The disks of the domains.</param>
    /// <param name="request">What was asked for.</param>
    /// <param name="watcher">Who undoes what is open if this run is killed.</param>
    /// <param name="progress">Told while images are read.</param>
    public async Task<IReadOnlyList<JobReport>> RunAsync(
        PlannedImages planned, HostSettings settings, IReadOnlyList<DomainDisks> census, BackupRequest request,
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
                : DiskInventory.FindOwner(image, planned.Selection, settings, census);
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
        List<RbdImage> images = [];
        foreach (string pool in selection.Pools)
        {
            try
            {
                images.AddRange(await pools.ListAsync(
                    ClusterAccess.Of(selection), pool, selection.Namespace, cancellationToken));
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                reports.Add(Failed(new DomainName(selection.Name), "the run was interrupted before its turn"));
                return new ImageChoice([], []);
            }
            catch (Exception failure)
            {
                reports.Add(Failed(new DomainName(selection.Name), Failure.Describe(failure)));
                return new ImageChoice([], []);
            }
        }

        return ImageChooser.Choose(selection, planned.Only, images);
    }

    private async Task<JobReport> RunAsync(
        RbdImage image, PlannedImages planned, BackupRequest request, RecoveryWatcher? watcher,
        IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        DomainName name = ImageIdentity.NameOf(image);
        if (cancellationToken.IsCancellationRequested)
        {
            return Failed(name, "the run was interrupted before its turn");
        }

        try
        {
            if (await look.FindDoneAsync(image, planned.Selection, target.ForDomain(name), cancellationToken) is { } done)
            {
                return Skipped(name, done);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return Failed(name, "the run was interrupted before its turn");
        }
        catch (Exception failure)
        {
            return Failed(name, Failure.Describe(failure));
        }

        return request.IsDryRun
            ? await dryRun.RunAsync(image, planned.Selection, planned.Reason, cancellationToken)
            : await course.RunAsync(
                new ImageBackup(image, planned.Selection, look, target, gate, time), planned.Reason, request.Wait, watcher,
                progress, cancellationToken);
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
