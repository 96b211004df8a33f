using KvmBackup.Configuration;
using KvmBackup.Planning;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Clusters;
using KvmBackup.Storage;

namespace KvmBackup.Runs.Images;

/// <summary>Looks at an image without a guest, and decides what is read of it. Changes nothing.</summary>
public sealed class ImageInspection(ImagePreflight preflight, TimeProvider time)
{
    /// <param name="image">Which.</param>
    /// <param name="selection">What the configuration wants.</param>
    /// <param name="directory">Its backups.</param>
    /// <param name="target">Must have room; null when nothing is going to be written.</param>
    /// <param name="id">The backup that is to be made.</param>
    /// <param name="cancellationToken">Ends the look.</param>
    /// <exception cref="KvmBackupException">It cannot be backed up now.</exception>
    public async Task<ImageJob> PrepareAsync(
        RbdImage image, ImageSelection selection, DomainDirectory directory, BackupDirectory? target, BackupId id,
        CancellationToken cancellationToken)
    {
        ImageState state = await preflight.AskAsync(new RbdLocation(image, ClusterAccess.Of(selection)), cancellationToken);
        DomainIdentity identity = Identify(state);
        IReadOnlyList<CompletedBackup> all = directory.List().Backups;
        CompletedBackup[] own = [.. all.Where(backup => backup.Manifest.DomainUuid == identity.Uuid)];
        List<string> warnings = [];
        if (own.Length == 0 && all.Count > 0)
        {
            warnings.Add(
                "the image was created again under the same name: this is its first backup, and those of the previous "
                + $"image stay until you delete them from {directory.DirectoryPath}");
        }

        state = state with { External = selection.External is { } wanted ? Demand(Decide(wanted, state, own)) : null };
        RbdSource source = new(image, [], null, null);
        DiskFacts disk = new(
            ImageIdentity.Disk, "disk", DiskSourceType.Network, null, "raw", IsReadOnly: false, IsShareable: false, null)
        {
            Rbd = source,
        };
        BackupImage taken = await preflight.PrepareAsync(
            identity.Uuid, disk, selection, own, id, state, warnings, cancellationToken);
        ImageJob job = new(selection, identity, new BackupDisk(disk, []) { Image = taken }, warnings);
        if (target is not null)
        {
            TargetSpace.Demand(target, job, own);
        }

        return job;
    }

    /// <returns>Why there is nothing to do, since what somebody else made is in a backup already; null when there is.</returns>
    /// <exception cref="KvmBackupException">The image or the cluster cannot be reached.</exception>
    public async Task<string?> FindDoneAsync(
        RbdImage image, ImageSelection selection, DomainDirectory directory, CancellationToken cancellationToken)
    {
        if (selection.External is not { } wanted)
        {
            return null;
        }

        ImageState state = await preflight.AskAsync(new RbdLocation(image, ClusterAccess.Of(selection)), cancellationToken);
        DomainIdentity identity = Identify(state);
        CompletedBackup[] own = [.. directory.List().Backups.Where(backup => backup.Manifest.DomainUuid == identity.Uuid)];
        ExternalDecision decision = Decide(wanted, state, own);
        return decision.IsDone ? decision.Reason : null;
    }

    private static DomainIdentity Identify(ImageState state) => new(
        ImageIdentity.NameOf(state.Location.Image), ImageIdentity.UuidOf(state.Location.Image, state.Facts.Id));

    private ExternalDecision Decide(ExternalSnapshots wanted, ImageState state, CompletedBackup[] own)
    {
        ManifestImage? last = own.FirstOrDefault(backup => !backup.Id.IsInFuture(time.GetUtcNow()))?.Manifest.Disks[0].Image;
        return ExternalPlanner.Decide(wanted, state.Snapshots, last, time.GetLocalNow(), File.Exists);
    }

    private static RbdSnapshot Demand(ExternalDecision decision) =>
        decision.Snapshot ?? throw new RunsException(decision.Reason);
}
