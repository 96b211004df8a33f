using KvmBackup.Archiving.Tar;
using KvmBackup.Ceph;
using KvmBackup.Disks;
using KvmBackup.Planning;
using KvmBackup.Runs.Archives;
using KvmBackup.Runs.Transfer;
using Serilog;

namespace KvmBackup.Runs.Restore;

/// <summary>Assembles one point of an image from the readable parts of the backups of its chain.</summary>
public sealed class ImageSalvage(ILogger log)
{
    /// <param name="backup">The requested point of the chain.</param>
    /// <param name="open">The reader of that backup.</param>
    /// <param name="target">The disk.</param>
    /// <param name="filePath">The new raw file.</param>
    /// <param name="record">Records the unfinished file.</param>
    /// <param name="all">The backups of the domain, damaged ones included.</param>
    /// <param name="monitor">Receives the number of bytes read.</param>
    /// <param name="cancellationToken">Cancels the salvage.</param>
    /// <exception cref="KvmBackupException">A backup of the chain is missing.</exception>
    public async Task<SalvagedFile> WriteAsync(
        CompletedBackup backup, BackupReader open, DiskTarget target, string filePath, IRestoreRecord? record,
        IReadOnlyList<CompletedBackup> all, TransferMonitor monitor, CancellationToken cancellationToken)
    {
        ImageAssembly assembly = ImageAssembly.Plan(backup, target, all);
        await using RestoredFile image = RestoredFile.Create(filePath, assembly.SizeBytes, record);
        List<Extent> missing = [];
        List<Extent> unproven = [];
        bool isComplete = true;
        foreach (AssemblyLink link in assembly.Links)
        {
            BackupReader source = link.Backup.Id == backup.Id ? open
                : await BackupReader.OpenDamagedAsync(link.Backup, log, cancellationToken);
            try
            {
                SalvagedMember part = await WriteAsync(source, target, link, image, monitor, cancellationToken);
                missing.AddRange(part.Missing);
                unproven.AddRange(part.Unproven);
                isComplete &= part.IsComplete
                    || (part.Missing.Count + part.Unproven.Count == 0 && link.Visible.Count == 0);
            }
            finally
            {
                if (source != open)
                {
                    source.Dispose();
                }
            }
        }

        return SalvageRun.Finish(
            image, new SalvagedFile(
                filePath, assembly.SizeBytes, isComplete, [.. missing.OrderBy(extent => extent.OffsetBytes)])
            {
                Unproven = [.. unproven.OrderBy(extent => extent.OffsetBytes)],
            });
    }

    private static async Task<SalvagedMember> WriteAsync(
        BackupReader source, DiskTarget target, AssemblyLink link, RestoredFile image, TransferMonitor monitor,
        CancellationToken cancellationToken)
    {
        ManifestDisk disk = link.Backup.Manifest.Disks.Single(other => other.Target == target);
        VisibleSink visible = new(image, link.Visible);
        RbdDiffLayout? layout = disk.Kind == BackupKind.Full ? null : new RbdDiffLayout(
            disk.Image!.BaseSnapshot, disk.Image.Snapshot, disk.VirtualSizeBytes, disk.Image.Changes);
        IExtentSink sink = layout is null ? visible
            : new RbdDiffSink(layout, visible, (_, _) => ValueTask.CompletedTask);
        SalvagedMember salvaged = await source.Reader.SalvageAsync(
            source.Member(disk.Layers[0].FileName), sink, monitor.Begin($"reading {target} of {link.Backup.Id}"),
            cancellationToken);
        IEnumerable<Extent> OfImage(IReadOnlyList<Extent> runs) => layout is null ? runs
            : runs.SelectMany(run => layout.Locate(run.OffsetBytes, (int)run.LengthBytes)
                .Select(part => new Extent(part.ImageOffsetBytes, part.Length)));

        // Data that a later backup overwrites are not needed.
        Extent[] missed = [.. OfImage(salvaged.Missing).SelectMany(run => link.Within(run).Visible)];
        Extent[] doubtful = [.. OfImage(salvaged.Unproven).SelectMany(run => link.Within(run).Visible)];
        bool isHidden = salvaged.Missing.Count + salvaged.Unproven.Count > 0 && missed.Length + doubtful.Length == 0;
        return new SalvagedMember(missed, doubtful, salvaged.IsComplete || isHidden);
    }
}
