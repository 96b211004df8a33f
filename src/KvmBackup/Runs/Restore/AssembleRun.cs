using KvmBackup.Disks;
using KvmBackup.Planning;
using KvmBackup.Runs.Archives;
using KvmBackup.Runs.Transfer;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Restore;

/// <summary>Makes one file of one disk, as it was at any point of its chain: without a cluster, and never over a file that is there.</summary>
public sealed class AssembleRun(
    BackupDirectory target, DiskContent content, QemuConversion conversion, TimeProvider time, ILogger log)
{
    /// <exception cref="KvmBackupException">Refused before the first write, or damaged; nothing is left of the file then.</exception>
    public async Task<RestoreReport> RunAsync(
        AssembleRequest request, IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        DomainDirectory backups = target.ForDomain(request.Domain);
        CompletedBackup backup = backups.Find(request.IdPrefix);
        using BackupReader open = await BackupReader.OpenAsync(backup, log, cancellationToken);
        ManifestDisk disk = DiskChoice.Find(backup.Manifest, request.Disk);
        ImageAssembly? assembly = DiskForms.Of(disk) == DiskForm.Chain
            ? ImageAssembly.Plan(backup, disk.Target, backups.List().Backups) : null;
        long dataBytes = assembly?.DataBytes ?? disk.Layers.Sum(layer => open.Member(layer.FileName).DataBytes);
        bool isDirect = request.Format == AssembleRequest.Raw && DiskForms.Of(disk) != DiskForm.Qcow2;
        string parent = Path.GetDirectoryName(request.FilePath)!;
        foreach (string deed in await ScratchFolder.RemoveAbandonedAsync([parent], time))
        {
            log.Information("{Domain}: {Deed}", backup.Domain, deed);
        }

        Refuse(request.FilePath, isDirect ? dataBytes : 2 * dataBytes);

        log.Information("{Domain}: writing {Path}", backup.Domain, request.FilePath);
        TransferMonitor monitor = new(backup.Domain, dataBytes, progress);
        await using RestoredFile file = RestoredFile.Create(request.FilePath, isDirect ? SizeOf(disk) : 0);
        await (isDirect
            ? content.WriteAsync(open, disk, assembly, file, monitor, cancellationToken)
            : ConvertAsync(open, disk, assembly, request, file.WorkingPath, monitor, cancellationToken));
        file.Commit(replace: false);
        return new RestoreReport(
            backup.Domain, backup.Id, backup.Domain, [request.FilePath], [], false, false, dataBytes, time.GetElapsedTime(start),
            [.. open.Damages.Select(damage => $"{damage.File}: {damage.Reason}")], []);
    }

    private async Task ConvertAsync(
        BackupReader backup, ManifestDisk disk, ImageAssembly? assembly, AssembleRequest request, string workingPath, TransferMonitor monitor,
        CancellationToken cancellationToken)
    {
        // Beside the file there is room, or there is none for the file.
        using ScratchFolder folder = await ScratchFolder.CreateAsync(Path.GetDirectoryName(request.FilePath)!, time);
        if (DiskForms.Of(disk) == DiskForm.Qcow2)
        {
            string path = await content.UnpackAsync(backup, disk, folder.DirectoryPath, monitor, cancellationToken);
            await conversion.IntoFileAsync(path, disk.Layers[0].Format, workingPath, request.Format, cancellationToken);
            return;
        }

        string rawPath = Path.Combine(folder.DirectoryPath, $"{disk.Target}.raw");
        await using (RestoredFile raw = RestoredFile.Create(rawPath, SizeOf(disk)))
        {
            await content.WriteAsync(backup, disk, assembly, raw, monitor, cancellationToken);
            raw.Commit(replace: false);
        }

        await conversion.IntoFileAsync(rawPath, "raw", workingPath, request.Format, cancellationToken);
    }

    private static long SizeOf(ManifestDisk disk) =>
        DiskForms.Of(disk) == DiskForm.Raw ? disk.Layers[0].SizeBytes : disk.VirtualSizeBytes;

    private static void Refuse(string filePath, long neededBytes)
    {
        string folder = Path.GetDirectoryName(filePath)!;
        string? reason = Path.Exists(filePath) ? $"{filePath} exists: name another file, or move it away"
            : !Directory.Exists(folder) ? $"there is no folder {folder}: make it, or name another file"
            : LocalFile.AvailableBytes(folder) is long available && available < neededBytes
                ? $"{folder} has {ByteSize.Format(available)} left and {ByteSize.Format(neededBytes)} are needed"
            : null;
        if (reason is not null)
        {
            throw new RunsException($"Nothing was assembled: {reason}.", ExitCode.Usage);
        }
    }
}
