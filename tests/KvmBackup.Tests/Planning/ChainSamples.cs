using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Planning;

/// <summary>Backups of a disk that is an RBD image, in chains.</summary>
internal static class ChainSamples
{
    public const string ImageId = "10175c39eba7";
    public static readonly DiskTarget Vdb = new("vdb");
    public static readonly RbdImage Image = new("rbd", null, "vm");
    public static readonly Guid Domain = ManifestSamples.Create().DomainUuid;

    public static BackupId Id(int day) => Support.BackupSamples.IdOfDay(day);

    public static string Snapshot(int day) => SnapshotName.Create(Domain, Vdb, Id(day), (uint)day);

    /// <summary>The backup of a day; without a base it is full.</summary>
    public static CompletedBackup Backup(
        int day, int? baseDay = null, BackupKind kind = BackupKind.Incremental, string imageId =
            ImageId, long sizeBytes = 1 << 20)
    {
        bool isFull = baseDay is null;
        string file = isFull ? "vdb.raw" : "vdb.rbddiff";
        ManifestDisk disk = new(
            Vdb, isFull ? BackupKind.Full : kind, sizeBytes,
            [new ManifestLayer(
                file, isFull ? "raw" : "rbddiff", "rbd:rbd/vm", false, ManifestSamples.Sum('d'), sizeBytes)])
        {
            Image = new ManifestImage(
                Image, imageId, Snapshot(day), baseDay is { } older ? Id(older) : null,
                baseDay is { } below ? Snapshot(below) : null, isFull ? [] : [new ImageChange(0, 4096, true)]),
        };
        Manifest manifest = ManifestSamples.Create(id: Id(day), kind: disk.Kind);
        ArchiveMember member = new($"web1/{file}", sizeBytes, 0, 1024, [new Extent(0, 8192)], ManifestSamples.Sum('d'));
        return new CompletedBackup(
            $"/backup/web1/{Id(day)}-x", manifest with { Disks = [disk], Members = [member] }, IsProtected: false);
    }

    public static RbdSnapshot InCluster(int day) => new(day, Snapshot(day), 1 << 20, IsProtected: false);
}
