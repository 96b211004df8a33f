using KvmBackup.Ceph;
using KvmBackup.Configuration;
using KvmBackup.Planning;
using KvmBackup.Runs.Clusters;
using KvmBackup.Runs.Guests;
using KvmBackup.Runs.Images;
using KvmBackup.Storage;

namespace KvmBackup.Runs.Inspect;

/// <summary>Checks the selections of images like a backup, and reports problems.</summary>
public sealed class ImageCheck(RbdPool pools, ImageInspection inspection, BackupDirectory target, TimeProvider time)
{
    /// <param name="selection">The selection.</param>
    /// <param name="settings">The whole configuration.</param>
    /// <param name="inventory">The disks of the domains.</param>
    public async Task<IReadOnlyList<Finding>> CheckAsync(
        ImageSelection selection, HostSettings settings, IReadOnlyList<DomainSummary> inventory,
        CancellationToken cancellationToken)
    {
        string subject = $"images {selection.Name}";
        try
        {
            ImageChoice choice = await SelectedPools.ChooseAsync(pools, selection, only: null, cancellationToken);
            RbdImage[] own = [.. choice.Images.Where(image => settings.FindSelection(image) == selection
                && DomainInventory.FindOwner(image, selection, settings, inventory) is null)];
            string rest = own.Length == choice.Images.Count
                ? string.Empty : $"; {choice.Images.Count - own.Length} more belong to domains or other selections";
            List<Finding> findings = [new(subject, FindingSeverity.Good, $"{own.Length} image(s){rest}", null)];
            findings.AddRange(choice.Unmatched.Select(text => new Finding(subject, FindingSeverity.Bad, text, null)));
            foreach (RbdImage image in own)
            {
                findings.AddRange(await CheckAsync(image, selection, cancellationToken));
            }

            return findings;
        }
        catch (Exception failure) when (!Failure.IsInterruption(failure, cancellationToken))
        {
            return [new Finding(subject, FindingSeverity.Bad, Failure.Describe(failure), null)];
        }
    }

    private async Task<IReadOnlyList<Finding>> CheckAsync(
        RbdImage image, ImageSelection selection, CancellationToken cancellationToken)
    {
        string subject = ImageIdentity.NameOf(image).Value;
        try
        {
            BackupCatalogue existing = target.ForDomain(ImageIdentity.NameOf(image)).List();
            if (await inspection.FindDoneAsync(image, selection, existing, cancellationToken) is { } done)
            {
                return [new Finding(subject, FindingSeverity.Good, done, null)];
            }

            ImageJob job = await inspection.PrepareAsync(
                image, selection, existing, target, new BackupId(time.GetUtcNow()), cancellationToken);
            return
            [
                new(subject, FindingSeverity.Good, $"{ByteSize.Format(job.Image.Facts.SizeBytes)}, the next backup is "
                    + $"{job.Kind.ToString().ToLowerInvariant()}{selection.Limits.Clause}", null),
                .. job.Warnings.Select(warning => new Finding(subject, FindingSeverity.Warning, warning, null)),
            ];
        }
        catch (Exception failure) when (!Failure.IsInterruption(failure, cancellationToken))
        {
            return [new Finding(subject, FindingSeverity.Bad, Failure.Describe(failure), null)];
        }
    }
}
