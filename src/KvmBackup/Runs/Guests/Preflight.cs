using System.Security.Cryptography;
using KvmBackup.Ceph;
using KvmBackup.Configuration;
using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Planning;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Clusters;
using KvmBackup.Storage;

namespace KvmBackup.Runs.Guests;

/// <summary>
/// Inspects a domain, its disks and the free space, and refuses a backup that cannot succeed. Changes nothing.
/// </summary>
public sealed class Preflight(LibvirtHost host, QemuImage images, MappedImages mapped, ImagePreflight cluster)
{
    private const string BlockDeviceOverlayDirectory = "/var/lib/libvirt/images";

    // A week of daily backups.
    private const int RememberedBackups = 7;

    /// <param name="domain">The domain.</param>
    /// <param name="settings">The domain's configuration.</param>
    /// <param name="existing">Its backups.</param>
    /// <param name="target">The backup directory. It must have enough free space and be on another file system than the
    /// disks; null when nothing is written.</param>
    /// <param name="id">The ID of the new backup.</param>
    /// <param name="cancellationToken">Cancels the inspection.</param>
    /// <exception cref="KvmBackupException">The domain cannot be backed up now; the message lists every
    /// reason.</exception>
    public async Task<DomainJob> PrepareAsync(
        DomainIdentity domain, DomainSettings settings, BackupCatalogue existing, BackupDirectory? target, BackupId id,
        CancellationToken cancellationToken)
    {
        DomainFacts facts = await host.DescribeAsync(domain, cancellationToken);
        facts = facts with { Disks = mapped.Resolve(facts.Disks) };
        DomainPlan plan = DomainPlanner.Plan(facts, settings, host.CommandLine);
        if (plan.Refusals.Count > 0)
        {
            throw new RunsException(
                string.Join("; ", plan.Refusals),
                facts.Disks.Any(IsOnOwnOverlay) ? ExitCode.ManualActionRequired : ExitCode.Failed);
        }

        CompletedBackup[] own = [.. existing.Backups.Where(backup => backup.Manifest.DomainUuid == facts.Uuid)];
        List<string> warnings = [.. plan.Warnings];
        facts = AbsentFirmware.LeaveOut(facts, warnings);
        List<BackupDisk> disks = [];
        foreach (DiskFacts disk in plan.Taken)
        {
            disks.Add(disk.Rbd is { } source
                ? new BackupDisk(disk, [])
                {
                    Image = await PrepareAsync(
                        facts.Uuid, disk, source, settings, own, id, warnings, cancellationToken),
                }
                : new BackupDisk(disk, await images.ReadChainAsync(disk.SourcePath!, disk.Format, cancellationToken)));
        }

        warnings.AddRange(WarnOfSnapshots(facts.Snapshots, disks));

        // Disks with overlays come first: the guest stays on an overlay until the disk is read. RBD images have none.
        disks = [.. disks.OrderBy(disk => disk.Image is not null || disk.IsIdle)];
        foreach (BackupDisk idle in disks.Where(disk => disk.IsIdle))
        {
            ImageLock.EnsureNoWriter(idle.Layers[0], $"disk {idle.Disk.Target}");
        }

        if (disks.Select(disk => DescribeObstacle(disk, facts.TakesSnapshots)).OfType<string>().FirstOrDefault()
            is { } obstacle)
        {
            throw new RunsException(obstacle);
        }

        BackupDisk[] files = [.. disks.Where(disk => disk.Image is null && !disk.IsIdle)];
        RefuseEncryptedBacking(facts.TakesSnapshots ? files : []);
        IReadOnlyList<PlannedOverlay> overlays = facts.TakesSnapshots
            ? await Task.WhenAll(files.Select(
                disk => EncryptAsync(disk, PlanOverlay(facts, disk, settings, id), cancellationToken)))
            : [];
        long dataBytes = disks.SelectMany(disk => disk.Layers).Sum(layer => DataBytes(layer.FilePath))
            + disks.Sum(disk => disk.Image?.DataBytes ?? 0);
        RefuseWithoutSpace(
            overlays, disks, settings.OverlayHeadroom,
            own.Take(RememberedBackups).Max(backup => backup.Manifest.OverlayBytes));
        IReadOnlyList<ReferredDefinition> referred = target is null ? []
            : await host.Definitions.ReadAsync(facts.Definition.Inactive, warnings, cancellationToken);
        DomainJob job = new(settings, facts, disks, plan.Skipped, overlays, dataBytes, warnings)
        {
            Referred = referred,
        };
        if (target is not null)
        {
            RefuseTargetBesideImages(existing.DirectoryPath, disks);
            TargetSpace.Demand(target, job, own);
        }

        return job;
    }

    private async Task<BackupImage> PrepareAsync(
        Guid owner, DiskFacts disk, RbdSource source, DomainSettings settings, CompletedBackup[] own, BackupId id,
        List<string> warnings, CancellationToken cancellationToken)
    {
        ImageState state =
            await cluster.ReadStateAsync(
                await cluster.LocateAsync(source, settings, cancellationToken), cancellationToken);
        return await cluster.PrepareAsync(owner, disk, settings, own, id, state, warnings, cancellationToken);
    }

    /// <summary>Files of snapshots that are in no disk's chain: saved memory, and overlays of other branches.</summary>
    private static IEnumerable<string> WarnOfSnapshots(
        IReadOnlyList<DomainSnapshot> snapshots, IEnumerable<BackupDisk> disks)
    {
        HashSet<string> included = [.. disks.SelectMany(disk => disk.Layers).Select(layer => layer.FilePath)];
        return
            from snapshot in snapshots
            let missing = snapshot.Files.Where(file => !included.Contains(file)).ToArray()
            where missing.Length > 0
            select $"the snapshot {snapshot.Name} uses {string.Join(", ", missing)}, which this backup does not have: "
                + "a restored guest cannot be reverted to it";
    }

    private static string? DescribeObstacle(BackupDisk disk, bool isActive) =>
        ImageFormats.FindObstacle(disk.Layers, isActive) is { } obstacle
            ? $"disk {disk.Disk.Target}: {obstacle}, or exclude the disk: disks: {{exclude: [{disk.Disk.Target}]}}"
            : null;

    private static bool IsOnOwnOverlay(DiskFacts disk) =>
        disk.SourcePath is { } path && (OverlayName.IsOurs(path) || OverlayName.IsPredecessors(path));

    private static PlannedOverlay PlanOverlay(DomainFacts facts, BackupDisk disk, DomainSettings settings, BackupId id)
    {
        ImageLayer top = disk.Layers[0];
        string folder = settings.OverlayDirectory
            ?? (top.IsBlockDevice ? BlockDeviceOverlayDirectory : Path.GetDirectoryName(disk.Disk.SourcePath!)!);
        uint random = BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(sizeof(uint)));
        string path = Path.Combine(folder, OverlayName.Create(facts.Uuid, disk.Disk.Target, id, random));
        return Directory.Exists(folder)
            ? new PlannedOverlay(disk.Disk.Target, disk.Disk.SourcePath!, disk.Disk.Format, path)
            {
                Volume = disk.Disk.Volume,
            }
            : throw new RunsException(
                $"disk {disk.Disk.Target}: the directory for its overlay, {folder}, does not exist; create it, or set "
                    + "overlay_dir to a directory that libvirt may write to");
    }

    /// <summary>
    /// An overlay is encrypted like its base, so the secret must be readable before anything is changed.
    /// </summary>
    private async Task<PlannedOverlay> EncryptAsync(
        BackupDisk disk, PlannedOverlay overlay, CancellationToken cancellationToken)
    {
        if (disk.Disk.Encryption is not { } encryption)
        {
            return overlay with { SizeBytes = disk.VirtualSizeBytes };
        }

        try
        {
            _ = await host.ReadSecretAsync(encryption, cancellationToken);
        }
        catch (HypervisorException failure)
        {
            throw new RunsException(
                $"disk {overlay.Target} is encrypted, so its overlay must be encrypted, too, but "
                    + $"{encryption.SecretText} cannot be read: {failure.Message}. If the secret is private, define "
                    + $"it without private='yes', or exclude the disk: disks: {{exclude: [{overlay.Target}]}}",
                    failure.ExitCode, failure);
        }

        string format = disk.Disk.Format == "raw" ? DiskEncryption.Luks : disk.Disk.Format;
        return overlay with
        {
            Encryption = encryption,
            SizeBytes = await images.ReadSizeAsync(overlay.BasePath, format, cancellationToken),
        };
    }

    /// <summary>
    /// An overlay above one is easily made, but when its guest ends while it is read, only qemu-img can commit the
    /// overlay, and a definition that leaves the chain to libvirt does not name the secret of a backing file.
    /// </summary>
    private static void RefuseEncryptedBacking(BackupDisk[] disks)
    {
        foreach (BackupDisk disk in disks)
        {
            if (disk.Layers.Skip(1).FirstOrDefault(layer => layer.IsEncrypted) is { } backing)
            {
                throw new RunsException(
                    $"disk {disk.Disk.Target}: its backing file {backing.FilePath} is encrypted. If the guest ended "
                        + $"during "
                    + "the backup, its overlay could not be committed, since the secret of a backing file is "
                    + "unknown. Back "
                    + "the guest up while it is shut "
                    + $"off, or leave the disk out: disks: {{exclude: [{disk.Disk.Target}]}}");
            }
        }
    }

    private static long DataBytes(string filePath)
    {
        using FileExtentSource source = FileExtentSource.Open(filePath);
        return source.DataBytes;
    }

    /// <summary>Neither the domain's backup folder nor a folder above it may contain a disk image.</summary>
    private static void RefuseTargetBesideImages(string directoryPath, List<BackupDisk> disks)
    {
        FileIdentity[] written = [.. FoldersUpFrom(directoryPath).Select(LocalFile.Identify)];
        foreach (ImageLayer layer in disks.SelectMany(disk => disk.Layers).Where(layer => !layer.IsBlockDevice))
        {
            string folder = Path.GetDirectoryName(LocalFile.ResolvePath(layer.FilePath))!;
            FileIdentity images = LocalFile.Identify(folder);

            // Everything is below the root directory, so for an image in it the file systems are compared.
            bool isBeside = folder == "/" ? written[0].Device == images.Device : written.Contains(images);
            if (isBeside)
            {
                throw new RunsException(
                    $"the backups would be written to {directoryPath}, which is below {folder}, the folder of the "
                        + $"guest's disk {layer.FilePath}: a loss of the disks would also destroy the backups. Set "
                        + "backupdir to another file system");
            }
        }
    }

    /// <summary>The lowest existing folder of a path and those above it, with links resolved.</summary>
    private static IEnumerable<string> FoldersUpFrom(string path)
    {
        while (!Directory.Exists(path))
        {
            path = Path.GetDirectoryName(path)!;
        }

        for (string? folder = LocalFile.ResolvePath(path); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            yield return folder;
        }
    }

    private static void RefuseWithoutSpace(
        IReadOnlyList<PlannedOverlay> overlays, List<BackupDisk> disks, double? headroom, long? writtenBytes)
    {
        foreach (IGrouping<string, PlannedOverlay> folder in overlays.GroupBy(
            overlay => Path.GetDirectoryName(overlay.OverlayPath)!))
        {
            BackupDisk[] disksHere =
                [.. disks.Where(disk => folder.Any(overlay => overlay.Target == disk.Disk.Target))];
            OverlaySpace space = OverlaySpacePlanner.Decide(
                headroom, disksHere.Sum(disk => disk.VirtualSizeBytes),
                disksHere.Sum(disk => DataBytes(disk.Layers[0].FilePath)), writtenBytes);
            long available = LocalFile.AvailableBytes(folder.Key);
            if (available < space.NeededBytes)
            {
                throw new RunsException(
                    $"{folder.Key} has {ByteSize.Format(available)} free, and the overlays may need "
                        + $"{ByteSize.Format(space.NeededBytes)} during the backup ({space.Reason}); free space there, "
                        + "set overlay_dir to a file system with more free space, or set overlay_headroom to a "
                        + "sufficient share of the disks' size, such as 1%");
            }
        }
    }
}
