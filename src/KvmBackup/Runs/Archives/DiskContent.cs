using KvmBackup.Disks;
using KvmBackup.Planning;
using KvmBackup.Runs.Transfer;

namespace KvmBackup.Runs.Archives;

/// <summary>Extracts one disk from a backup.</summary>
public sealed class DiskContent(ImageAssembler assembler, QemuImage images)
{
    /// <summary>Writes the content of a disk in one pass. Not for qcow2 images, which only QEMU can read.</summary>
    /// <param name="assembly">The assembly of a disk with a chain; null for a single member.</param>
    /// <param name="sink">The destination: as large as the disk, and all zeros.</param>
    /// <exception cref="KvmBackupException">A backup is damaged, or writing failed.</exception>
    public Task WriteAsync(
        BackupReader backup, ManifestDisk disk, ImageAssembly? assembly, IExtentSink sink, TransferMonitor monitor,
        CancellationToken cancellationToken) =>
        WriteAsync(backup, disk.Layers[0].FileName, assembly, sink, monitor, cancellationToken);

    /// <summary>Writes the content of a disk or file in one pass, as it is in the archive.</summary>
    /// <param name="fileName">The member below the domain's folder; not read when there is an assembly.</param>
    /// <param name="assembly">The assembly of a disk with a chain; null for a single member.</param>
    /// <param name="sink">The destination: as large as the content, and all zeros.</param>
    /// <exception cref="KvmBackupException">A backup is damaged, or writing failed.</exception>
    public Task WriteAsync(
        BackupReader backup, string fileName, ImageAssembly? assembly, IExtentSink sink, TransferMonitor monitor,
        CancellationToken cancellationToken) =>
        assembly is not null
            ? assembler.WriteAsync(assembly, sink, monitor, cancellationToken)
            : ExtractAsync(backup, fileName, sink, monitor, cancellationToken);

    /// <summary>Unpacks the images of a disk into one folder, each with the one below it as its backing file.</summary>
    /// <returns>The path of the top image.</returns>
    public async Task<string> UnpackAsync(
        BackupReader backup, ManifestDisk disk, string folderPath, TransferMonitor monitor,
        CancellationToken cancellationToken)
    {
        foreach (ManifestLayer layer in disk.Layers)
        {
            await using RestoredFile file = RestoredFile.Create(PathOf(layer), layer.SizeBytes, record: null);
            await ExtractAsync(backup, layer.FileName, file, monitor, cancellationToken);
            file.Commit(replace: false);
        }

        foreach ((ManifestLayer layer, ManifestLayer below) in disk.Layers.Zip(disk.Layers.Skip(1)))
        {
            await images.RebaseAsync(PathOf(layer), PathOf(below), below.Format, cancellationToken);
        }

        await EnsureCompleteAsync(disk, PathOf(disk.Layers[0]), cancellationToken);
        return PathOf(disk.Layers[0]);

        string PathOf(ManifestLayer layer) => Path.Combine(folderPath, layer.FileName);
    }

    /// <summary>
    /// An image of another format than qcow2 and raw is never changed, so a forged one may still name files of this
    /// host, which QEMU would read.
    /// </summary>
    private async Task EnsureCompleteAsync(ManifestDisk disk, string topPath, CancellationToken cancellationToken)
    {
        if (disk.Layers.Any(layer => layer.Format is not ("qcow2" or "raw"))
            && (await images.ReadChainAsync(topPath, disk.Layers[0].Format, cancellationToken)).Count
                != disk.Layers.Count)
        {
            throw new RunsException(
                $"disk {disk.Target}: its image names a file that is not in the backup: the backup is damaged or "
                    + "forged.", ExitCode.DamageFound);
        }
    }

    private static Task ExtractAsync(
        BackupReader backup, string fileName, IExtentSink sink, TransferMonitor monitor,
        CancellationToken cancellationToken) =>
        backup.Reader.ExtractAsync(
            backup.Member(fileName), sink, monitor.Begin($"writing {fileName}"), cancellationToken);
}
