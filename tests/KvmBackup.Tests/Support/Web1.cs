using KvmBackup.Configuration;
using KvmBackup.Hypervisor;

namespace KvmBackup.Tests.Support;

/// <summary>The guest of the recordings: two disks, an empty drive, an agent.</summary>
public static class Web1
{
    public const string Images = "/var/lib/libvirt/images";

    /// <summary>The facts about the running guest, from recorded output of virsh.</summary>
    public static readonly string[] Facts =
    [
        "running/domstate", "running/domstate-reason", "running/domname", "host/list-transient",
        "running/dumpxml-security", "running/dumpxml-security-inactive",
        "running/dumpxml-security-migratable", "running/snapshot-list", "running/checkpoint-list", "running/domjobinfo",
        "host/list-autostart", "shut-off/managedsave-dumpxml",
    ];

    public static readonly Guid Uuid = new("5b4f6f0e-6a2f-4a53-9f0e-0123456789ab");
    public static readonly DomainIdentity Identity = new(new DomainName("web1"), Uuid);
    public static readonly DiskTarget Vda = new("vda");
    public static readonly DiskTarget Vdb = new("vdb");
    public static readonly BackupId Id = new(new DateTimeOffset(2026, 11, 20, 2, 0, 0, TimeSpan.Zero));

    public static readonly PlannedOverlay VdaOverlay =
        new(Vda, $"{Images}/web1.qcow2", "qcow2", $"{Images}/{OverlayName.Create(Uuid, Vda, Id, 0xa)}");

    public static readonly PlannedOverlay VdbOverlay =
        new(Vdb, $"{Images}/web1-data.img", "raw", $"{Images}/{OverlayName.Create(Uuid, Vdb, Id, 0xb)}");

    public static readonly DomainSettings Settings = new(
        Identity.Name, new Schedule([]), new RetentionPolicy(1), new Compression(CompressionMethod.None),
        QuiesceMode.Try,
        DiskSelection.All, null, TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(30), false)
    {
        // The clock of the tests is ahead of the disks' timestamps.
        StallTimeout = TimeSpan.FromDays(10_000),
    };

    public static Task<DomainFacts> DescribeAsync(params string[] changed) =>
        new LibvirtHost(new Virsh(new RecordedShell().Now([.. Facts, .. changed]), null))
            .DescribeAsync(Identity, CancellationToken.None);
}
