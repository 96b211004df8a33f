using KvmBackup.Archiving;
using KvmBackup.Model;
using KvmBackup.Planning;

namespace KvmBackup.Runs;

/// <summary>One file of a disk as a backup holds it.</summary>
/// <param name="Backup">Which backup.</param>
/// <param name="Disk">The disk.</param>
/// <param name="Layer">The file.</param>
/// <param name="Assembly">How an image is put together; null for one member.</param>
public sealed record ComparedFile(CompletedBackup Backup, ManifestDisk Disk, ManifestLayer Layer, ImageAssembly? Assembly)
{
    /// <summary>What its bytes mean: an increment is compared as the image that it leads to.</summary>
    public string Format => Assembly is null ? Layer.Format : "raw";

    public long SizeBytes => Assembly?.SizeBytes ?? Layer.SizeBytes;

    /// <summary>Of all its content; null for an increment, whose checksum is that of its changes.</summary>
    public string? Xxh128 => Disk.Kind == BackupKind.Full ? Layer.Xxh128 : null;

    /// <summary>The files of one disk, the guest's own first.</summary>
    /// <exception cref="PlanningException">A backup that it stands on is not there.</exception>
    public static IReadOnlyList<ComparedFile> Of(CompletedBackup backup, ManifestDisk disk, IReadOnlyList<CompletedBackup> all)
    {
        ImageAssembly? assembly = disk.Image is null ? null : ImageAssembly.Plan(backup, disk.Target, all);
        return [.. disk.Layers.Select(layer => new ComparedFile(backup, disk, layer, assembly))];
    }
}
