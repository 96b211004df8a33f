using System.Security.Cryptography;
using KvmBackup.Ceph;
using KvmBackup.Configuration;
using KvmBackup.Planning;

namespace KvmBackup.Runs.Clusters;

/// <summary>Looks at a disk's image in its cluster, and at what an increment of it could stand on. Changes nothing.</summary>
public sealed class ImagePreflight(ClusterAccess access, RbdClient cluster)
{
    private Version? release;

    /// <summary>The way to a disk's image, by the configuration, else by the domain's XML.</summary>
    /// <exception cref="KvmBackupException">libvirt does not tell the key.</exception>
    public async Task<RbdLocation> LocateAsync(RbdSource source, BackupSettings settings, CancellationToken cancellationToken)
    {
        RbdLocation location = await access.LocateAsync(source, settings.Ceph, cancellationToken);
        return location with { Access = location.Access with { TargetTimeout = settings.StallTimeout } };
    }

    /// <summary>Asks all at once, since each answer takes the start of a program.</summary>
    /// <exception cref="KvmBackupException">The cluster or the image cannot be reached.</exception>
    public async Task<ImageState> AskAsync(RbdLocation location, CancellationToken cancellationToken)
    {
        Task<RbdImageFacts> facts = cluster.DescribeAsync(location, snapshot: null, cancellationToken);
        Task<IReadOnlyList<RbdSnapshot>> snapshots = cluster.ListSnapshotsAsync(location, cancellationToken);
        Task<Version?> version = release is null ? cluster.ReadReleaseAsync(cancellationToken) : Task.FromResult<Version?>(release);
        await Task.WhenAll(facts, snapshots, version);
        release = await version;
        return new ImageState(location, await facts, await snapshots);
    }

    /// <summary>Decides what is read of an image.</summary>
    /// <param name="owner">The UUID under which its backups lie.</param>
    /// <param name="disk">A disk with an image.</param>
    /// <param name="settings">What the configuration wants.</param>
    /// <param name="own">The whole backups of this guest, the newest first.</param>
    /// <param name="id">The backup that is to be made.</param>
    /// <param name="state">What the cluster just said.</param>
    /// <param name="warnings">Takes what an operator should know.</param>
    /// <exception cref="KvmBackupException">The cluster or the image cannot be reached.</exception>
    public async Task<BackupImage> PrepareAsync(
        Guid owner, DiskFacts disk, BackupSettings settings, IReadOnlyList<CompletedBackup> own, BackupId id, ImageState state,
        List<string> warnings, CancellationToken cancellationToken)
    {
        RbdSource source = disk.Rbd!;
        RbdImageFacts facts = state.Facts;
        EnsureMapped(disk, source, facts);
        ChainDecision chain = ChainPlanner.Decide(disk.Target, facts, state.Snapshots, settings.FullEvery, own, id);
        if (chain.Notice is { } notice)
        {
            warnings.Add(notice);
        }

        if (CephKnownIssues.Find(release) is { } defect && !warnings.Contains(defect))
        {
            warnings.Add(defect);
        }

        if (facts is { HasFastDiff: true, IsFastDiffValid: false })
        {
            warnings.Add(
                $"disk {disk.Target}: the object map of {source.Image} is not valid, so finding what it holds takes longer; mend it "
                + $"with: rbd object-map rebuild {ShellWord.Quote(source.Image.Spec)}");
        }

        uint random = BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(sizeof(uint)));
        return new BackupImage(
            source, state.Location, facts, state.External?.Name ?? SnapshotName.Create(owner, disk.Target, id, random), chain.Base)
        {
            ExternalId = state.External?.Id,
            DataBytes = chain.Base is null && facts.IsFastDiffValid ? await cluster.QueryDataBytesAsync(state.Location, cancellationToken) : 0,
        };
    }

    private static void EnsureMapped(DiskFacts disk, RbdSource source, RbdImageFacts facts)
    {
        if (source.MappedId is { } mapped && mapped != facts.Id)
        {
            throw new RunsException(
                $"disk {disk.Target}: {disk.SourcePath} is the image with the ID {mapped}, but in the cluster {source.Image} is the image "
                + $"{facts.Id}: it was renamed or made anew since it was mapped, or this is another cluster. Map it anew (rbd device "
                + "list), or set ceph: {conf: FILE} to the cluster that it is in");
        }
    }
}

/// <summary>What a cluster said of an image, all asked at once.</summary>
/// <param name="Location">The image, and the way to it.</param>
/// <param name="Facts">What it is.</param>
/// <param name="Snapshots">The snapshots that users made, the oldest first.</param>
public sealed record ImageState(RbdLocation Location, RbdImageFacts Facts, IReadOnlyList<RbdSnapshot> Snapshots)
{
    /// <summary>The snapshot of somebody else's that is to be read; null for one of our own.</summary>
    public RbdSnapshot? External { get; init; }
}
