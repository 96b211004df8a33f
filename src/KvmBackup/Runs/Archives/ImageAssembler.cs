using KvmBackup.Ceph;
using KvmBackup.Planning;
using KvmBackup.Runs.Transfer;
using Serilog;

namespace KvmBackup.Runs.Archives;

/// <summary>Assembles one point of an image: reads each backup of its chain once, and writes each byte once.</summary>
public sealed class ImageAssembler(ILogger log)
{
    /// <param name="assembly">The parts of the backups that are visible.</param>
    /// <param name="image">The destination: as large as the image, and all zeros.</param>
    /// <param name="monitor">Receives the number of bytes read.</param>
    /// <exception cref="KvmBackupException">A backup of the chain is damaged.</exception>
    public async Task WriteAsync(
        ImageAssembly assembly, IExtentSink image, TransferMonitor monitor, CancellationToken cancellationToken)
    {
        foreach (AssemblyLink link in assembly.Links)
        {
            Manifest manifest = link.Backup.Manifest;
            ManifestDisk disk = manifest.Disks.Single(other => other.Target == assembly.Target);
            using BackupReader open = await BackupReader.OpenAsync(link.Backup, log, cancellationToken);
            VisibleSink visible = new(image, link.Visible);
            IExtentSink sink = disk.Kind == BackupKind.Full ? visible : new RbdDiffSink(
                new RbdDiffLayout(
                    disk.Image!.BaseSnapshot, disk.Image.Snapshot, disk.VirtualSizeBytes, disk.Image.Changes),
                visible, (_, _) => ValueTask.CompletedTask);
            log.Information("{Domain}: {Target} of {Id}", manifest.Domain, assembly.Target, manifest.Id);
            await open.Reader.ExtractAsync(
                open.Member(disk.Layers[0].FileName), sink,
                monitor.Begin($"writing {assembly.Target} of {manifest.Id}"), cancellationToken);
        }
    }
}
