using KvmBackup.Ceph;
using KvmBackup.Disks;
using KvmBackup.Planning;
using KvmBackup.Runs.Archives;
using KvmBackup.Runs.Transfer;
using Serilog;

namespace KvmBackup.Runs.Restore;

/// <summary>Writes one disk of a backup into a new RBD image: only its data, with parallel requests.</summary>
public sealed class ImageRestorer(
    RbdClient cluster, RbdImageStore store, DiskContent content, QemuConversion conversion, TimeProvider time,
    ILogger log)
{
    /// <returns>The complete image under its temporary name: the caller commits it, or removes it with <see
    /// cref="LeaveAsync"/>.</returns>
    /// <exception cref="KvmBackupException">The image could not be written; it was removed.</exception>
    public async Task<RestoredImage> WriteAsync(
        BackupReader backup, PlacedImage placed, ImageAssembly? assembly, TransferMonitor monitor,
        CancellationToken cancellationToken)
    {
        RestoreImage plan = placed.Plan;
        log.Information("{Domain}: writing {Image}", backup.Backup.Domain, plan);
        cancellationToken.ThrowIfCancellationRequested();
        RestoredImage image = await RestoredImage.CreateAsync(cluster, store, placed.Location, plan.SizeBytes, time);
        try
        {
            await (plan.Form == DiskForm.Qcow2
                ? ConvertAsync(backup, plan.Disk, image, monitor, cancellationToken)
                : StreamAsync(backup, plan, assembly, image, monitor, cancellationToken));
            return image;
        }
        catch (Exception)
        {
            await LeaveAsync(image);
            throw;
        }
    }

    /// <summary>Removes an image that was not committed. Logs a failure, and never throws.</summary>
    public async Task LeaveAsync(RestoredImage image)
    {
        try
        {
            await image.RemoveUnlessCommittedAsync();
        }
        catch (KvmBackupException failure)
        {
            log.Error("{Image} was not removed: {Failure}", image.Working, failure.Message);
        }
    }

    private async Task StreamAsync(
        BackupReader backup, RestoreImage plan, ImageAssembly? assembly, RestoredImage image, TransferMonitor monitor,
        CancellationToken cancellationToken)
    {
        await using RbdImageWriter writer = await RbdImageWriter.OpenAsync(
            cluster, image.Working, plan.SizeBytes, cancellationToken);
        await content.WriteAsync(backup, plan.Disk, assembly, new DataSink(writer), monitor, cancellationToken);
        await writer.CompleteAsync(cancellationToken);
    }

    private async Task ConvertAsync(
        BackupReader backup, ManifestDisk disk, RestoredImage image, TransferMonitor monitor,
        CancellationToken cancellationToken)
    {
        using ScratchFolder folder = await ScratchFolder.CreateAsync(ScratchFolder.DefaultParent, time);
        log.Information(
            "{Domain}: unpacking {Target} in {Folder}", backup.Backup.Domain, disk.Target, folder.DirectoryPath);
        string path = await content.UnpackAsync(backup, disk, folder.DirectoryPath, monitor, cancellationToken);
        await conversion.IntoImageAsync(path, disk.Layers[0].Format, image.Working, cancellationToken);
    }
}
