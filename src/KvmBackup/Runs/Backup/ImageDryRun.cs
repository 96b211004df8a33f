using KvmBackup.Configuration;
using KvmBackup.Runs.Images;
using KvmBackup.Storage;

namespace KvmBackup.Runs.Backup;

/// <summary>Inspects an image without a guest as a backup would, and lists every command that would change
/// something.</summary>
public sealed class ImageDryRun(ImageInspection inspection, BackupDirectory target, TimeProvider time)
{
    public async Task<JobReport> RunAsync(
        RbdImage image, ImageSelection selection, string reason, CancellationToken cancellationToken)
    {
        BackupId id = new(time.GetUtcNow());
        DomainName name = ImageIdentity.NameOf(image);
        DomainDirectory directory = target.ForDomain(name);
        try
        {
            _ = target.CheckWritable();
            BackupCatalogue existing = directory.List();
            ImageJob job = await inspection.PrepareAsync(image, selection, existing, target, id, cancellationToken);
            string[] commands =
            [
                DryRun.Begin(job, directory, id),
                .. DryRun.Snapshots(job),
                .. DryRun.End(job, directory, existing, id),
            ];
            return new JobReport(
                name, JobOutcome.Planned, reason + selection.Limits.Clause, null, TimeSpan.Zero, job.Warnings, [],
                commands);
        }
        catch (Exception failure) when (!Failure.IsInterruption(failure, cancellationToken))
        {
            return JobReport.Without(
                name, JobOutcome.Failed, $"it would not be backed up: {Failure.Describe(failure)}");
        }
    }
}
