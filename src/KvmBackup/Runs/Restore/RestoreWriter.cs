using KvmBackup.Ceph;
using KvmBackup.Disks;
using KvmBackup.Journaling;
using KvmBackup.Planning;
using KvmBackup.Runs.Archives;
using KvmBackup.Runs.Transfer;
using Serilog;

namespace KvmBackup.Runs.Restore;

/// <summary>
/// Writes the files and images of a restore. None gets its final name before all of them are complete.
/// </summary>
public sealed class RestoreWriter(
    QemuImage images, DiskContent content, ImageRestorer restorer, RestoreRecords records, ILogger log)
{
    /// <param name="backup">The backup.</param>
    /// <param name="facts">The files and images to write.</param>
    /// <param name="assemblies">The disks that are assembled from several backups.</param>
    /// <param name="whenComplete">Called when everything is written, before the first file gets its final name.</param>
    /// <param name="progress">Receives the progress.</param>
    /// <param name="cancellationToken">Cancels the restore, until files get their final names.</param>
    /// <returns>The warnings of <c>qemu-img check</c>.</returns>
    /// <exception cref="KvmBackupException">Nothing was restored, and no partial file is left.</exception>
    public async Task<IReadOnlyList<string>> WriteAsync(
        BackupReader backup, RestoreFacts facts, IReadOnlyDictionary<DiskTarget, ImageAssembly> assemblies,
        Func<Task> whenComplete, IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        TransferMonitor monitor = new(backup.Backup.Domain, facts.DataBytes, progress);
        List<IRestoredDisk> openFiles = [];
        List<RestoredImage> openImages = [];
        using OpenRestore? record = records.Open(backup.Backup.Domain, backup.Backup.Id);
        try
        {
            foreach (RestoreFile file in facts.Written)
            {
                await WriteFileAsync(backup, file, assemblies, monitor, openFiles, record, cancellationToken);
            }

            foreach (PlacedImage image in facts.Images)
            {
                openImages.Add(await restorer.WriteAsync(
                    backup, image, assemblies.GetValueOrDefault(image.Plan.Disk.Target), monitor, cancellationToken));
            }

            // The last point to cancel: after it all files get their final names.
            cancellationToken.ThrowIfCancellationRequested();
            await whenComplete();
            foreach ((RestoredImage image, PlacedImage placed) in openImages.Zip(facts.Images))
            {
                await image.CommitAsync(placed.Replaces);
            }

            foreach ((IRestoredDisk disk, RestoreFile file) in openFiles.Zip(facts.Written))
            {
                disk.Commit(file.WhenExisting == ExistingFileRule.Replace);
            }
        }
        finally
        {
            foreach (IRestoredDisk disk in openFiles)
            {
                await disk.DisposeAsync();
            }

            foreach (RestoredImage image in openImages)
            {
                await restorer.LeaveAsync(image);
            }
        }

        return await CheckAsync(facts, cancellationToken);
    }

    private async Task WriteFileAsync(
        BackupReader backup, RestoreFile file, IReadOnlyDictionary<DiskTarget, ImageAssembly> assemblies,
        TransferMonitor monitor, List<IRestoredDisk> open, OpenRestore? record, CancellationToken cancellationToken)
    {
        ArchiveMember member = backup.Member(file.MemberName);
        ImageAssembly? assembly = file.Assembled is { } target ? assemblies[target] : null;
        log.Information("{Domain}: writing {Path}", backup.Backup.Domain, file.FilePath);
        IRestoredDisk disk = file.IsBlockDevice
            ? RestoredDevice.Open(file.FilePath, member.SizeBytes, member.Extents)
            : RestoredFile.Create(file.FilePath, assembly?.SizeBytes ?? member.SizeBytes, record);
        open.Add(disk);
        await content.WriteAsync(backup, file.MemberName, assembly, disk, monitor, cancellationToken);
        if (file.Backing is { } backing)
        {
            await images.RebaseAsync(disk.WorkingPath, backing.Name, backing.Format, cancellationToken);
        }
    }

    private async Task<IReadOnlyList<string>> CheckAsync(RestoreFacts facts, CancellationToken cancellationToken)
    {
        List<string> warnings = [];
        foreach (RestoreFile file in facts.Written.Where(file => file is { IsQcow2: true, IsBlockDevice: false }))
        {
            try
            {
                if (!await images.CheckAsync(file.FilePath, cancellationToken))
                {
                    warnings.Add(
                        $"{file.FilePath} is encrypted, so qemu-img did not check it; its content is the "
                        + "same as at the backup");
                }
            }
            catch (DisksException failure)
            {
                // The checksum proves that every byte is the same as in the source: the image had this defect at the
                // backup.
                warnings.Add($"{failure.Message}; the guest's image already had this defect when it was backed up");
            }
        }

        return warnings;
    }
}
