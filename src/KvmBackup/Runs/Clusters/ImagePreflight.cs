using System.Security.Cryptography;
using KvmBackup.Ceph;
using KvmBackup.Configuration;
using KvmBackup.Planning;

namespace KvmBackup.Runs.Clusters;

/// <summary>Inspects a disk's image in its cluster, and the possible base of an increment. Changes nothing.</summary>
public sealed class ImagePreflight(ClusterAccess access, RbdClient cluster)
{
    private Version? release;

    /// <summary>The location of a disk's image, by the configuration, else by the domain's XML.</summary>
    /// <exception cref="KvmBackupException">libvirt does not return the key.</exception>
    public async Task<RbdLocation> LocateAsync(
        RbdSource source, BackupSettings settings, CancellationToken cancellationToken)
    {
        RbdLocation location = await access.LocateAsync(source, settings.Ceph, cancellationToken);
        return location with { Access = location.Access with { StallTimeout = settings.StallTimeout } };
    }

    /// <summary>Reads the state of an image, with parallel queries, since each starts a program.</summary>
    /// <exception cref="KvmBackupException">The cluster or the image cannot be reached.</exception>
    public async Task<ImageState> ReadStateAsync(RbdLocation location, CancellationToken cancellationToken)
    {
        Task<RbdImageFacts> facts = cluster.DescribeAsync(location, snapshot: null, cancellationToken);
        Task<IReadOnlyList<RbdSnapshot>> snapshots = cluster.ListSnapshotsAsync(location, cancellationToken);
        Task<Version?> version = release is null ? cluster.ReadReleaseAsync(cancellationToken)
            : Task.FromResult<Version?>(release);
        await Task.WhenAll(facts, snapshots, version);
        release = await version;
        return new ImageState(location, await facts, await snapshots);
    }

    /// <summary>Plans the backup of an image.</summary>
    /// <param name="owner">The UUID of its backups.</param>
    /// <param name="disk">A disk with an image.</param>
    /// <param name="settings">The configuration.</param>
    /// <param name="own">The complete backups of this guest, newest first.</param>
    /// <param name="id">The ID of the new backup.</param>
    /// <param name="state">The current state of the image.</param>
    /// <param name="warnings">Receives warnings for the operator.</param>
    /// <exception cref="KvmBackupException">The cluster or the image cannot be reached.</exception>
    public async Task<BackupImage> PrepareAsync(
        Guid owner, DiskFacts disk, BackupSettings settings, IReadOnlyList<CompletedBackup> own, BackupId id,
        ImageState state,
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
                $"disk {disk.Target}: the object map of {source.Image} is invalid, so finding its data takes longer; "
                    + $"to repair it: {RbdAdvice.RebuildObjectMap(state.Location)}");
        }

        uint random = BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(sizeof(uint)));
        return new BackupImage(
            source, state.Location, facts,
            state.External?.Name ?? SnapshotName.Create(owner, disk.Target, id, random), chain.Base)
        {
            ExternalId = state.External?.Id,
            DataBytes = IsAsked(facts, chain, own)
                ? await cluster.QueryDataBytesAsync(state.Location, chain.Base?.SnapshotName, cancellationToken) : 0,
        };
    }

    // Earlier increments predict more than the changed objects: one changed block counts as a whole object.
    private static bool IsAsked(RbdImageFacts facts, ChainDecision chain, IReadOnlyList<CompletedBackup> own) =>
        facts.IsFastDiffValid && (chain.Base is not { } below || own.All(backup => backup.Manifest.Kind != below.Kind));

    private static void EnsureMapped(DiskFacts disk, RbdSource source, RbdImageFacts facts)
    {
        if (source.MappedId is { } mapped && mapped != facts.Id)
        {
            throw new RunsException(
                $"disk {disk.Target}: {disk.SourcePath} is the image with the ID {mapped}, but in the cluster "
                    + $"{source.Image} has the ID {facts.Id}: the image was renamed or created again since it was "
                    + $"mapped, or this is another cluster. Map it again (`rbd device list` shows mapped images), or "
                    + $"set ceph: {{conf: FILE}} to the correct cluster");
        }
    }
}

/// <summary>The state of an image in its cluster.</summary>
/// <param name="Location">The image and its cluster.</param>
/// <param name="Facts">The properties of the image.</param>
/// <param name="Snapshots">The user snapshots, oldest first.</param>
public sealed record ImageState(RbdLocation Location, RbdImageFacts Facts, IReadOnlyList<RbdSnapshot> Snapshots)
{
    /// <summary>The snapshot of another program that is read; null for our own.</summary>
    public RbdSnapshot? External { get; init; }
}
