using KvmBackup.Ceph;
using KvmBackup.Disks;
using KvmBackup.Journaling;
using KvmBackup.Planning;
using KvmBackup.Runs.Archives;
using KvmBackup.Runs.Transfer;
using Serilog;

namespace KvmBackup.Runs.Restore;

/// <summary>Writes the files and images of a restore. None gets its name before all of them are whole.</summary>
public sealed class RestoreWriter(
    QemuImage images, ImageAssembler assembler, ImageRestorer restorer, RestoreJournal journal, ILogger log)
{
    /// <summary>Removes what killed restores have left.</summary>
    /// <returns>What was done, for people.</returns>
    public IReadOnlyList<string> RemoveLeftovers()
    {
        try
        {
            return journal.RemoveLeftovers();
        }
        catch (JournalingException failure)
        {
            // A restore must go on without it, on a rescue host for instance.
            log.Warning("What interrupted restores have left was not removed: {Message}", failure.Message);
            return [];
        }
    }

    /// <param name="backup">What is restored.</param>
    /// <param name="facts">What was found on this host.</param>
    /// <param name="assemblies">The disks that are put together from several backups.</param>
    /// <param name="whenWhole">Called when all is written, before the first file gets its name.</param>
    /// <param name="progress">Told while it writes.</param>
    /// <param name="cancellationToken">Ends it, until files get their names.</param>
    /// <returns>What qemu-img thinks of the files.</returns>
    /// <exception cref="KvmBackupException">Nothing was restored, and nothing half done is left.</exception>
    public async Task<IReadOnlyList<string>> WriteAsync(
        BackupReader backup, RestoreFacts facts, IReadOnlyDictionary<DiskTarget, ImageAssembly> assemblies,
        Func<Task> whenWhole, IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        TransferMonitor monitor = new(backup.Backup.Domain, facts.DataBytes, progress);
        List<IRestoredDisk> openFiles = [];
        List<RestoredImage> openImages = [];
        using OpenRestore? record = OpenRecord(backup);
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

            // The last moment to change one's mind: names are given all or none.
            cancellationToken.ThrowIfCancellationRequested();
            await whenWhole();
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

    private OpenRestore? OpenRecord(BackupReader backup)
    {
        try
        {
            return journal.Open($"{backup.Backup.Domain}@{backup.Backup.Id}");
        }
        catch (JournalingException failure)
        {
            log.Warning(
                "{Domain}: this restore is not recorded; if it is killed, its {Ending} files stay: {Message}",
                backup.Backup.Domain, OpenRestore.TemporaryExtension, failure.Message);
            return null;
        }
    }

    private async Task WriteFileAsync(
        BackupReader backup, RestoreFile file, IReadOnlyDictionary<DiskTarget, ImageAssembly> assemblies, TransferMonitor monitor,
        List<IRestoredDisk> open, OpenRestore? record, CancellationToken cancellationToken)
    {
        ArchiveMember member = backup.Member(file.MemberName);
        ImageAssembly? assembly = file.Assembled is { } target ? assemblies[target] : null;
        log.Information("{Domain}: writing {Path}", backup.Backup.Domain, file.FilePath);
        IRestoredDisk disk = file.IsBlockDevice
            ? RestoredDevice.Open(file.FilePath, member.SizeBytes, member.Extents)
            : RestoredFile.Create(file.FilePath, assembly?.SizeBytes ?? member.SizeBytes, record);
        open.Add(disk);
        await (assembly is null
            ? backup.Reader.ExtractAsync(member, disk, monitor.Begin($"writing {file.MemberName}"), cancellationToken)
            : assembler.WriteAsync(assembly, disk, monitor, cancellationToken));
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
                    warnings.Add($"{file.FilePath} is encrypted, so qemu-img did not check it; its content is what was backed up");
                }
            }
            catch (DisksException failure)
            {
                // Every byte is as it was on the source, by its checksum: the image was so when it was backed up.
                warnings.Add($"{failure.Message}; the guest's own image was so when it was backed up");
            }
        }

        return warnings;
    }
}
