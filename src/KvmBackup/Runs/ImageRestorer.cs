using KvmBackup.Disks;
using KvmBackup.Model;
using KvmBackup.Planning;
using Serilog;

namespace KvmBackup.Runs;

/// <summary>Writes one disk of a backup into a new RBD image: only its data, several requests in flight.</summary>
public sealed class ImageRestorer(
    RbdClient cluster, RbdImageStore store, DiskContent content, QemuConversion conversion, TimeProvider time, ILogger log)
{
    /// <returns>The image, whole and without its name yet: it is to be committed, or left.</returns>
    /// <exception cref="KvmBackupException">It could not be written; nothing of it is left.</exception>
    public async Task<RestoredImage> WriteAsync(
        OpenBackup backup, PlacedImage placed, ImageAssembly? assembly, Tally tally, CancellationToken cancellationToken)
    {
        RestoreImage plan = placed.Plan;
        log.Information("{Domain}: writing {Image}", backup.Backup.Domain, plan);
        cancellationToken.ThrowIfCancellationRequested();
        RestoredImage image = await RestoredImage.CreateAsync(cluster, store, placed.Location, plan.SizeBytes, time);
        try
        {
            await (plan.Form == DiskForm.Qcow2
                ? ConvertAsync(backup, plan.Disk, image, tally, cancellationToken)
                : StreamAsync(backup, plan, assembly, image, tally, cancellationToken));
            return image;
        }
        catch (Exception)
        {
            await LeaveAsync(image);
            throw;
        }
    }

    /// <summary>Removes an image that was not committed. Says it when that fails, and never throws.</summary>
    public async Task LeaveAsync(RestoredImage image)
    {
        try
        {
            await image.LeaveAsync();
        }
        catch (KvmBackupException failure)
        {
            log.Error("{Image} was not removed: {Failure}", image.Working, failure.Message);
        }
    }

    private async Task StreamAsync(
        OpenBackup backup, RestoreImage plan, ImageAssembly? assembly, RestoredImage image, Tally tally,
        CancellationToken cancellationToken)
    {
        await using RbdImageWriter writer = await RbdImageWriter.OpenAsync(
            cluster, image.Working, plan.SizeBytes, cancellationToken);
        await content.WriteAsync(backup, plan.Disk, assembly, new DataSink(writer), tally, cancellationToken);
        await writer.CompleteAsync(cancellationToken);
    }

    private async Task ConvertAsync(
        OpenBackup backup, ManifestDisk disk, RestoredImage image, Tally tally, CancellationToken cancellationToken)
    {
        using ScratchFolder folder = await ScratchFolder.CreateAsync(ScratchFolder.DefaultParent, time);
        log.Information("{Domain}: unpacking {Target} in {Folder}", backup.Backup.Domain, disk.Target, folder.DirectoryPath);
        string path = await content.UnpackAsync(backup, disk, folder.DirectoryPath, tally, cancellationToken);
        await conversion.IntoImageAsync(path, disk.Layers[0].Format, image.Working, cancellationToken);
    }
}
