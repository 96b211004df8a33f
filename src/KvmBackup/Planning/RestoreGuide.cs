using System.Text;

namespace KvmBackup.Planning;

/// <summary>
/// Writes RESTORE.md: the exact commands that bring this one guest back with tar, qemu-img and virsh alone, to be typed
/// as they stand, from top to bottom.
/// </summary>
public static class RestoreGuide
{
    public static string Write(DomainFacts domain, BackupId id, string host, string archiveName, IReadOnlyList<BackupDisk> disks)
    {
        StringBuilder text = new();
        string folder = domain.Name.FileName;
        _ = text.Append(null, $"""
            # {domain.Name} by hand

            A backup of the libvirt domain `{domain.Name}` (UUID {domain.Uuid}) of host {host}, taken {id}.
            These commands bring it back without the program that made the backup. Type them as root, in the folder that
            holds `{archiveName}`; none of them overwrites anything. Needed: {Programs(archiveName, disks)}.

            ## 1. Is the backup whole?
            ```sh
            sha256sum -c SHA256SUMS
            ```

            ## 2. Unpack it
            Module is needed for the disks; holes stay holes. (Here, or with `-C` in any other folder.) GNU tar, bsdtar
            (libarchive) and Python's `tarfile` were tried and give the same files. Do not use the tar of busybox: it does not
            know sparse files, and writes short ones below `GNUSparseFile.0/` without an error.
            ```sh
            tar -xf {ShellWord.Quote(archiveName)}
            ```

            ## 3. Put the disks in their places

            """);
        foreach (BackupDisk disk in disks)
        {
            if (disk.Image is { } image)
            {
                _ = text.Append(Image(folder, archiveName, disk.Disk.Target, image.Source.Image, image.SnapshotName, image.Base?.Backup));
            }
            else
            {
                AppendDisk(text, folder, disk);
            }
        }

        AppendFiles(text, folder, domain.Files);
        _ = text.Append(null, $"""

            ## 4. Define the domain and start it
            ```sh
            {string.Concat(disks.Where(IsMapped).Select(MapLine))}virsh define {ShellWord.Quote($"{folder}/domain.xml")}
            {AutostartLine(domain)}virsh start --domain {ShellWord.Quote(domain.Name.Value)}
            ```
            `domain.xml` is what the next start uses; `live.xml` is what ran at that moment, `migratable.xml` what another
            host would take. To bring up a copy beside the original, change name, paths and MAC addresses in `domain.xml`
            and delete its `<uuid>`.

            """);
        foreach (BackupDisk disk in disks.Where(disk => disk.Disk.Presence == DiskPresence.RunningOnly))
        {
            _ = text.AppendLine(null, $"Disk `{disk.Disk.Target}` was attached to the running guest only, and was added to `domain.xml`.");
        }

        foreach (BackupDisk disk in disks.Where(disk => disk.Disk.Encryption is not null))
        {
            _ = text.AppendLine(
                null,
                $"Disk `{disk.Disk.Target}` is encrypted: it needs {disk.Disk.Encryption!.SecretText}, which `virsh secret-list` must show.");
        }

        foreach (Guid secret in disks.Select(disk => disk.Image?.Source.Secret).OfType<Guid>().Distinct())
        {
            _ = text.AppendLine(null, $"The key to its images is libvirt's secret {secret}, which `virsh secret-list` must show.");
        }

        return text.ToString();
    }

    private static string AutostartLine(DomainFacts domain) =>
        domain.IsAutostarted ? $"virsh autostart --domain {ShellWord.Quote(domain.Name.Value)}\n" : string.Empty;

    private static bool IsMapped(BackupDisk disk) => disk is { Image: not null, Disk.SourceType: DiskSourceType.Block };

    private static string MapLine(BackupDisk disk) =>
        $"rbd map {ShellWord.Quote(disk.Image!.Source.Image.Spec)}   # disk {disk.Disk.Target}\n";

    private static void AppendDisk(StringBuilder text, string folder, BackupDisk disk)
    {
        _ = text.Append(null, $"Disk `{disk.Disk.Target}`");
        _ = text.AppendLine(disk.Layers.Count > 1
            ? ", which stands on backing files: one that is still there, and unchanged, is used as it is:"
            : ":");
        _ = text.AppendLine("```sh");
        for (int depth = disk.Layers.Count - 1; depth >= 0; depth--)
        {
            ImageLayer layer = disk.Layers[depth];
            AppendPlace(text, $"{folder}/{disk.MemberName(depth)}", layer.FilePath, layer.IsBlockDevice, isShared: depth > 0);
        }

        _ = text.AppendLine("```");
    }

    /// <summary>The guide of a backup whose image is no longer an increment: all else in it stays as it was.</summary>
    /// <param name="text">The guide of the increment.</param>
    /// <param name="manifest">Of the increment.</param>
    public static string Merge(string text, Manifest manifest)
    {
        foreach (ManifestDisk disk in manifest.Disks.Where(disk => disk.Image is { BaseBackup: not null }))
        {
            string Section(BackupId? dependency) => Image(
                manifest.Domain.FileName, manifest.Archive.FileName, disk.Target, disk.Image!.Image, disk.Image.Snapshot, dependency);
            string increment = Section(disk.Image!.BaseBackup);
            text = text.Contains(increment, StringComparison.Ordinal) ? text.Replace(increment, Section(dependency: null), StringComparison.Ordinal)
                : $"{Section(dependency: null)}\nWhat follows speaks of this disk as it was before it was merged with the backups before it.\n\n{text}";
        }

        return text;
    }

    /// <summary>How an image, or its changes, come back into a cluster.</summary>
    internal static string Image(
        string folder, string archiveName, DiskTarget target, RbdImage image, string snapshotName, BackupId? dependency)
    {
        string spec = ShellWord.Quote(image.Spec);
        string snapshot = ShellWord.Quote($"{image}@{snapshotName}");
        string member = ShellWord.Quote($"{folder}/{ManifestImage.MemberName(target, dependency is null)}");
        if (dependency is not null)
        {
            return $"""
                Disk `{target}`, an RBD image. This archive holds what changed since the backup {dependency}. Unpack the
                `{archiveName}` of that one in its own folder, and do what its RESTORE.md says of the disk `{target}`, and of
                nothing else. Then type here:
                ```sh
                rbd import-diff {member} {spec}
                ```

                """;
        }

        // The snapshot is what the increments that stand on this backup ask for.
        return $"""
            Disk `{target}`, an RBD image; `rbd import` refuses one that is there:
            ```sh
            rbd import --sparse-size 64K {member} {spec} && rbd snap create {snapshot}
            ```
            Without a cluster the file is a raw disk as it is.

            """;
    }

    private static void AppendFiles(StringBuilder text, string folder, IReadOnlyList<AuxiliaryFile> files)
    {
        if (files.Count == 0)
        {
            return;
        }

        _ = text.AppendLine("Files that the domain does not start without:").AppendLine("```sh");
        foreach (AuxiliaryFile file in files)
        {
            AppendPlace(text, $"{folder}/{file.MemberName}", file.SourcePath, isBlockDevice: false, isShared: true);
        }

        _ = text.AppendLine("```");
    }

    private static void AppendPlace(StringBuilder text, string member, string path, bool isBlockDevice, bool isShared)
    {
        string from = ShellWord.Quote(member);
        string to = ShellWord.Quote(path);
        if (isBlockDevice)
        {
            // The device must be there, as large as it was; convert -n writes into it and never creates a file.
            _ = text.AppendLine(null, $"test -b {to} && qemu-img convert -n -f raw -O raw {from} {to}");
            return;
        }

        _ = text.AppendLine(null, $"mkdir -p {ShellWord.Quote(Path.GetDirectoryName(path)!)}");
        _ = text.AppendLine(isShared
            ? $"test -e {to} || cp --sparse=always {from} {to}"
            : $"test ! -e {to} && cp --sparse=always {from} {to}");
    }

    private static string Programs(string archiveName, IReadOnlyList<BackupDisk> disks)
    {
        string decompressor = archiveName.EndsWith(".zst", StringComparison.Ordinal) ? "zstd, "
            : archiveName.EndsWith(".gz", StringComparison.Ordinal) ? "gzip, " : string.Empty;
        bool hasImage = disks.Any(disk => disk.Image is not null);
        return $"tar, {decompressor}qemu-img, virsh{(hasImage ? ", rbd with a Ceph user that may make images" : string.Empty)}";
    }
}
