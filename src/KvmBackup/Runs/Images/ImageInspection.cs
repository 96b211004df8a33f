using KvmBackup.Configuration;
using KvmBackup.Planning;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Clusters;
using KvmBackup.Storage;

namespace KvmBackup.Runs.Images;

/// <summary>Inspects an image without a guest, and plans its backup. Changes nothing.</summary>
public sealed class ImageInspection(ImagePreflight preflight, TimeProvider time)
{
    /// <param name="image">The image.</param>
    /// <param name="selection">The configuration.</param>
    /// <param name="existing">The backups of the image.</param>
    /// <param name="target">The backup directory, which must have enough free space; null when nothing is
    /// written.</param>
    /// <param name="id">The ID of the new backup.</param>
    /// <param name="cancellationToken">Cancels the inspection.</param>
    /// <exception cref="KvmBackupException">The image cannot be backed up now.</exception>
    public async Task<ImageJob> PrepareAsync(
        RbdImage image, ImageSelection selection, BackupCatalogue existing, BackupDirectory? target, BackupId id,
        CancellationToken cancellationToken)
    {
        ImageState state =
            await preflight.ReadStateAsync(new RbdLocation(image, ClusterAccess.Of(selection)), cancellationToken);
        DomainIdentity identity = Identify(state);
        IReadOnlyList<CompletedBackup> all = existing.Backups;
        CompletedBackup[] own = [.. all.Where(backup => backup.Manifest.DomainUuid == identity.Uuid)];
        List<string> warnings = [];
        if (own.Length == 0 && all.Count > 0)
        {
            warnings.Add(
                $"the image was created again with the same name: this is its first backup, and the backups of the "
                    + $"previous image stay until you delete them from {existing.DirectoryPath}");
        }

        state = state with
        {
            External = selection.External is { } external ? Require(Decide(external, state, own)) : null,
        };
        RbdSource source = new(image, [], null, null);
        DiskFacts disk = new(
            ImageIdentity.Disk, "disk", DiskSourceType.Network, null, "raw", IsReadOnly: false, IsShareable: false,
            null)
        {
            Rbd = source,
        };
        BackupImage planned = await preflight.PrepareAsync(
            identity.Uuid, disk, selection, own, id, state, warnings, cancellationToken);
        ImageJob job = new(selection, identity, new BackupDisk(disk, []) { Image = planned }, warnings);
        if (target is not null)
        {
            TargetSpace.Demand(target, job, own);
        }

        return job;
    }

    /// <returns>Why there is nothing to do, since the snapshot of another program is already in a backup; null when
    /// there is.</returns>
    /// <exception cref="KvmBackupException">The image or the cluster cannot be reached.</exception>
    public async Task<string?> FindDoneAsync(
        RbdImage image, ImageSelection selection, BackupCatalogue existing, CancellationToken cancellationToken)
    {
        if (selection.External is not { } external)
        {
            return null;
        }

        ImageState state =
            await preflight.ReadStateAsync(new RbdLocation(image, ClusterAccess.Of(selection)), cancellationToken);
        DomainIdentity identity = Identify(state);
        CompletedBackup[] own = [.. existing.Backups.Where(backup => backup.Manifest.DomainUuid == identity.Uuid)];
        ExternalDecision decision = Decide(external, state, own);
        return decision.IsDone ? decision.Reason : null;
    }

    private static DomainIdentity Identify(ImageState state) => new(
        ImageIdentity.NameOf(state.Location.Image), ImageIdentity.UuidOf(state.Location.Image, state.Facts.Id));

    private ExternalDecision Decide(ExternalSnapshots external, ImageState state, CompletedBackup[] own)
    {
        ManifestImage? last = own.FirstOrDefault(
            backup => !backup.Id.IsInFuture(time.GetUtcNow()))?.Manifest.Disks[0].Image;
        return ExternalPlanner.Decide(external, state.Snapshots, last, time.GetLocalNow(), File.Exists);
    }

    private static RbdSnapshot Require(ExternalDecision decision) =>
        decision.Snapshot ?? throw new RunsException(decision.Reason);
}
