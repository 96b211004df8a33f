using KvmBackup.Ceph;
using KvmBackup.Configuration;
using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Journaling;
using KvmBackup.Runs.Archives;
using KvmBackup.Runs.Clusters;
using KvmBackup.Runs.Restore;
using KvmBackup.Shell;
using KvmBackup.Storage;
using Serilog.Core;

namespace KvmBackup.Tests.Runs.Restore;

/// <summary>Restore runs as the program composes them, with simulated programs.</summary>
internal static class RestoreSamples
{
    public static RestoreRun Run(BackupDirectory target, IProcessRunner shell, string keysPath)
    {
        Virsh virsh = new(shell, null);
        LibvirtHost host = new(virsh);
        RbdClient cluster = new(shell);
        RbdImageStore store = new(cluster);
        QemuImage images = new(shell);
        ClusterKeys keys = new(keysPath);
        DiskContent content = new(new ImageAssembler(Logger.None), images);
        ImageDestinations destinations = new(
            new ClusterAccess(host, keys), cluster, store, _ => CephSettings.None, Logger.None);
        ImageRestorer restorer = new(
            cluster, store, content, new QemuConversion(shell), TimeProvider.System, Logger.None);
        RestoreRecords records = Records(keysPath);
        return new RestoreRun(
            target, new RestorePreflight(
                host, destinations, new HostCheck(host.Definitions, new HostResources())),
            new RestoreWriter(images, content, restorer, records, Logger.None), records,
            new DomainDefiner(virsh), keys, TimeProvider.System, Logger.None);
    }

    public static SalvageRun Salvage(BackupDirectory target, string keysPath) => new(
        target, new ImageSalvage(Logger.None), Records(keysPath), TimeProvider.System, Logger.None);

    public static AssembleRun Assemble(BackupDirectory target, IProcessRunner shell, string keysPath) => new(
        target, new DiskContent(new ImageAssembler(Logger.None), new QemuImage(shell)), new QemuConversion(shell),
        Records(keysPath), TimeProvider.System, Logger.None);

    /// <summary>With a journal in the folder <c>state</c> below that one.</summary>
    public static RestoreRecords Records(string keysPath) => new(
        new RestoreJournal(Path.Combine(keysPath, "state")), TimeProvider.System, Logger.None);
}
