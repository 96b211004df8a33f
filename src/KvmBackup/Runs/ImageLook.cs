using KvmBackup.Configuration;
using KvmBackup.Disks;
using KvmBackup.Model;
using KvmBackup.Planning;
using KvmBackup.Storage;

namespace KvmBackup.Runs;

/// <summary>Looks at an image without a guest, and decides what is read of it. Changes nothing.</summary>
public sealed class ImageLook(ImagePreflight preflight, RbdClient cluster, TimeProvider time)
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
        RbdLocation location = new(image, ClusterAccess.Of(selection));
        RbdImageFacts facts = await cluster.DescribeAsync(location, snapshot: null, cancellationToken);
        DomainIdentity identity = Identify(location, facts);
        IReadOnlyList<CompletedBackup> all = directory.List().Backups;
        CompletedBackup[] own = [.. all.Where(backup => backup.Manifest.DomainUuid == identity.Uuid)];
        List<string> warnings = [];
        if (own.Length == 0 && all.Count > 0)
        {
            warnings.Add(
                "the image was made anew under the same name: this is its first backup, and those of the one before it stay "
                + $"until you delete them from {directory.DirectoryPath}");
        }

        RbdSnapshot? external = selection.External is { } wanted
            ? Demand(await DecideAsync(wanted, location, own, cancellationToken)) : null;
        RbdSource source = new(image, [], null, null);
        DiskFacts disk = new(
            ImageIdentity.Disk, "disk", DiskSourceType.Network, null, "raw", IsReadOnly: false, IsShareable: false, null)
        {
            Rbd = source,
        };
        TakenImage taken = await preflight.PrepareAsync(
            identity.Uuid, disk, selection, own, id, external, facts, warnings, cancellationToken);
        ImageJob job = new(selection, identity, new TakenDisk(disk, []) { Image = taken }, warnings);
        if (target is not null)
        {
            TargetRoom.Demand(target, job, own);
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

        RbdLocation location = new(image, ClusterAccess.Of(selection));
        DomainIdentity identity = Identify(location, await cluster.DescribeAsync(location, snapshot: null, cancellationToken));
        CompletedBackup[] own = [.. directory.List().Backups.Where(backup => backup.Manifest.DomainUuid == identity.Uuid)];
        ExternalDecision decision = await DecideAsync(wanted, location, own, cancellationToken);
        return decision.IsDone ? decision.Reason : null;
    }

    private static DomainIdentity Identify(RbdLocation location, RbdImageFacts facts) =>
        new(ImageIdentity.NameOf(location.Image), ImageIdentity.UuidOf(location.Image, facts.Id));

    private async Task<ExternalDecision> DecideAsync(
        ExternalSnapshots wanted, RbdLocation location, CompletedBackup[] own, CancellationToken cancellationToken)
    {
        IReadOnlyList<RbdSnapshot> snapshots = await cluster.ListSnapshotsAsync(location, cancellationToken);
        ManifestImage? last = own.Length == 0 ? null : own[0].Manifest.Disks[0].Image;
        return ExternalPlanner.Decide(wanted, snapshots, last, time.GetLocalNow(), File.Exists);
    }

    private static RbdSnapshot Demand(ExternalDecision decision) =>
        decision.Snapshot ?? throw new RunsException(decision.Reason);
}
