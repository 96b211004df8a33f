using System.Text;

namespace KvmBackup.Planning;

/// <summary>
/// Writes RESTORE.md: the exact commands for a restore of this one guest with tar, qemu-img and virsh alone, to be
/// run from top to bottom.
/// </summary>
public static class RestoreGuide
{
    private const string SecretList = "virsh secret-list";

    public static string Write(
        DomainFacts domain, BackupId id, string host, string archiveName, IReadOnlyList<BackupDisk> disks,
        HostDependencies? dependencies = null)
    {
        StringBuilder text = new();
        string folder = domain.Name.FileName;
        _ = text.Append(null, $"""
            # Restore the domain {Code(domain.Name.Value)}

            A backup of the libvirt domain {Code(domain.Name.Value)} (UUID {domain.Uuid}) from host {host}, taken {id}.
            You need: {Programs(archiveName, disks)}.

            Work as root. Change to the folder that holds {Code(archiveName)}. Run the commands in order. Stop when a
            command fails. No command overwrites an existing file or image.

            ## 1. Check the backup
            ```sh
            sha256sum -c SHA256SUMS
            ```

            ## 2. Unpack the archive
            The folder needs free space for the disks. To use another folder, add `-C FOLDER` and run the next commands
            there. Use GNU tar, bsdtar or Python's `tarfile`. For names that are not ASCII, bsdtar requires a UTF-8
            locale: `LC_ALL=C.UTF-8 bsdtar -xf ...`. Do not use the tar of busybox: it unpacks sparse files
            incorrectly, without an error.
            ```sh
            tar -xf {ShellWord.Quote(archiveName)}
            ```

            ## 3. Copy the disks to their places

            """);
        foreach (BackupDisk disk in disks)
        {
            if (disk.Image is { } image)
            {
                _ = text.Append(Image(
                    folder, archiveName, disk.Disk.Target, image.Source.Image, image.SnapshotName, image.Base?.Backup));
            }
            else
            {
                AppendDisk(text, folder, disk);
            }
        }

        AppendFiles(text, folder, domain.Files);
        _ = text.Append("\n## 4. Define the domain and start it\n");
        AppendDependencies(text, folder, dependencies ?? HostDependencies.None);
        _ = text.Append(null, $"""
            ```sh
            {PreparationLines(disks)}virsh define {ShellWord.Quote($"{folder}/domain.xml")}
            {CompletionLines(domain, folder)}virsh start --domain {ShellWord.Quote(domain.Name.Value)}
            ```
            `domain.xml` is the definition for the next start, `live.xml` the definition of the running guest,
            `migratable.xml` the definition for another host. To create a copy beside the original, first change the
            name, paths and MAC addresses in `domain.xml` and delete its `<uuid>`.

            """);
        foreach (BackupDisk disk in disks.Where(disk => disk.Disk.Presence == DiskPresence.RunningOnly))
        {
            _ = text.AppendLine(
                null,
                $"Disk `{disk.Disk.Target}` was attached to the running guest only. `domain.xml` of this backup "
                    + $"has disk `{disk.Disk.Target}`, too.");
        }

        foreach (BackupDisk disk in disks.Where(disk => disk.Disk.Encryption is not null))
        {
            _ = text.AppendLine(
                null,
                $"Disk `{disk.Disk.Target}` is encrypted. It requires {disk.Disk.Encryption!.SecretText}: check with "
                    + $"`{SecretList}`.");
        }

        foreach (Guid secret in disks.Select(disk => disk.Image?.Source.Secret).OfType<Guid>().Distinct())
        {
            _ = text.AppendLine(
                null, $"The key to the RBD images is libvirt's secret {secret}: check with `{SecretList}`.");
        }

        return text.ToString();
    }

    /// <summary>
    /// Formats a name as a Markdown code span that no character of the name can end. Control characters are written
    /// as <c>\u001b</c>, because the guide is printed to terminals.
    /// </summary>
    internal static string Code(string name)
    {
        string shown = string.Concat(
            name.Select(letter => char.IsControl(letter) ? $"\\u{(int)letter:x4}" : letter.ToString()));
        int longest = 0;
        for (int index = 0, run = 0; index < shown.Length; index++)
        {
            run = shown[index] == '`' ? run + 1 : 0;
            longest = Math.Max(longest, run);
        }

        string fence = new('`', longest + 1);

        // Renderers remove one blank at each end: https://spec.commonmark.org/0.31.2/#code-spans
        string blank = longest > 0 || (shown[0] == ' ' && shown[^1] == ' ') ? " " : string.Empty;
        return fence + blank + shown + blank + fence;
    }

    private static string CompletionLines(DomainFacts domain, string folder)
    {
        string name = ShellWord.Quote(domain.Name.Value);
        IEnumerable<string> snapshots = domain.Snapshots.Select((snapshot, index) =>
            $"virsh snapshot-create --domain {name} --xmlfile "
                + $"{ShellWord.Quote($"{folder}/{DomainSnapshot.MemberName(index + 1)}")} --redefine"
                + $"{(snapshot.IsCurrent ? " --current" : string.Empty)}\n");
        return (domain.IsAutostarted ? $"virsh autostart --domain {name}\n" : string.Empty)
            + string.Concat(snapshots);
    }

    private static bool IsMapped(BackupDisk disk) => disk is { Image: not null, Disk.SourceType: DiskSourceType.Block };

    private static string MapLine(BackupDisk disk) =>
        $"rbd map {ShellWord.Quote(disk.Image!.Source.Image.Spec)}   # disk {disk.Disk.Target}\n";

    /// <summary>Maps images, and makes libvirt read the pools of restored volumes again.</summary>
    private static string PreparationLines(IReadOnlyList<BackupDisk> disks) => string.Concat(
    [
        .. disks.Where(IsMapped).Select(MapLine),
        .. disks.Select(disk => disk.Disk.Volume?.Pool).OfType<string>().Distinct()
            .Select(pool => $"virsh pool-refresh --pool {ShellWord.Quote(pool)}\n"),
    ]);

    private static void AppendDisk(StringBuilder text, string folder, BackupDisk disk)
    {
        bool isBlockDevice = disk.Layers.Any(layer => layer.IsBlockDevice);
        _ = text.Append(null, $"Disk `{disk.Disk.Target}`");
        _ = text.Append(isBlockDevice ? ". The command overwrites the block device" : string.Empty);
        _ = text.AppendLine(disk.Layers.Count > 1
            ? ". An existing backing file is kept and must be unchanged:"
            : ":");
        _ = text.AppendLine("```sh");
        for (int depth = disk.Layers.Count - 1; depth >= 0; depth--)
        {
            ImageLayer layer = disk.Layers[depth];
            string member = $"{folder}/{disk.MemberName(depth)}";
            AppendPlace(text, member, layer.FilePath, layer.IsBlockDevice, isShared: depth > 0);
        }

        _ = text.AppendLine("```");
    }

    /// <summary>Changes the guide of an increment to that of the full backup it was merged into.</summary>
    /// <param name="text">The guide of the increment.</param>
    /// <param name="manifest">The manifest of the increment.</param>
    public static string Merge(string text, Manifest manifest)
    {
        foreach (ManifestDisk disk in manifest.Disks.Where(disk => disk.Image is { BaseBackup: not null }))
        {
            string Section(BackupId? dependency) => Image(
                manifest.Domain.FileName, manifest.Archive.FileName, disk.Target, disk.Image!.Image,
                disk.Image.Snapshot, dependency);
            string increment = Section(disk.Image!.BaseBackup);
            text = text.Contains(increment, StringComparison.Ordinal)
                ? text.Replace(increment, Section(dependency: null), StringComparison.Ordinal)
                : $"{Section(dependency: null)}\nThe text below describes this disk before the merge with earlier "
                    + $"backups.\n\n{text}";
        }

        return text;
    }

    /// <summary>The commands that import an image, or its changes, into a cluster.</summary>
    internal static string Image(
        string folder, string archiveName, DiskTarget target, RbdImage image, string snapshotName, BackupId? dependency)
    {
        string spec = ShellWord.Quote(image.Spec);
        string snapshot = ShellWord.Quote($"{image}@{snapshotName}");
        string member = ShellWord.Quote($"{folder}/{ManifestImage.MemberName(target, dependency is null)}");
        if (dependency is not null)
        {
            return $"""
                Disk `{target}`, an RBD image. This archive holds only the changes since the backup {dependency}. First
                restore disk `{target}` of that backup: unpack its `{archiveName}` in its own folder, and run only the
                commands for disk `{target}` of its RESTORE.md. Then run here:
                ```sh
                rbd import-diff {member} {spec}
                ```

                """;
        }

        // The increments that depend on this backup require the snapshot.
        return $"""
            Disk `{target}`, an RBD image. `rbd import` refuses an existing image:
            ```sh
            rbd import --sparse-size 64K {member} {spec} && rbd snap create {snapshot}
            ```
            Without a cluster, use the unpacked file as a raw disk image.

            """;
    }

    private static void AppendFiles(StringBuilder text, string folder, IReadOnlyList<AuxiliaryFile> files)
    {
        if (files.Count == 0)
        {
            return;
        }

        _ = text.AppendLine("Files that the domain requires to start:").AppendLine("```sh");
        foreach (AuxiliaryFile file in files)
        {
            AppendPlace(text, $"{folder}/{file.MemberName}", file.SourcePath, isBlockDevice: false, isShared: true);
        }

        _ = text.AppendLine("```");
    }

    /// <summary>What the domain refers to. Without the object the first command of each line reports an
    /// error.</summary>
    private static void AppendDependencies(StringBuilder text, string folder, HostDependencies dependencies)
    {
        if (dependencies.Resources.Count > 0)
        {
            _ = text.AppendLine(
                "The domain uses these resources of the host, which are not in this backup. Without them, change "
                    + "`domain.xml` first.\n");
            foreach (HostResource resource in dependencies.Resources)
            {
                _ = text.AppendLine(null, $"- {KindText(resource.Kind)} {Code(resource.Name)}");
            }

            _ = text.AppendLine();
        }

        if (dependencies.Definitions.Count == 0)
        {
            return;
        }

        _ = text.AppendLine(
            "The domain refers to these objects of libvirt. The commands create those that this host does not have. "
                + "Omit what\nthe domain shall not use here, and change `domain.xml`.\n```sh");
        foreach (SavedDefinition saved in dependencies.Definitions)
        {
            _ = text.Append(CreateLines(saved, ShellWord.Quote($"{folder}/{saved.Member}")));
        }

        _ = text.AppendLine("```");
        foreach (SavedDefinition secret in dependencies.Definitions.Where(one => one.Kind == RequirementKind.Secret))
        {
            _ = text.AppendLine(
                null, $"The value of the secret {secret.Name} is not in this backup. Set it with "
                    + $"`virsh secret-set-value --secret {ShellWord.Quote(secret.Name)} --file FILE`.");
        }

        _ = text.AppendLine();
    }

    private static string CreateLines(SavedDefinition saved, string file)
    {
        string name = ShellWord.Quote(saved.Name);
        return saved.Kind switch
        {
            RequirementKind.Nwfilter => $"virsh nwfilter-dumpxml --nwfilter {name} >/dev/null || "
                + $"virsh nwfilter-define {file}\n",
            RequirementKind.Secret => $"virsh secret-dumpxml --secret {name} >/dev/null || "
                + $"virsh secret-define {file}\n",
            RequirementKind.Pool => $"virsh pool-uuid --pool {name} || virsh pool-define {file}\n"
                + $"LC_ALL=C virsh pool-info --pool {name} | grep -q 'State: *running' || "
                + $"virsh pool-start --pool {name}\n",
            _ => $"virsh net-uuid --network {name} || virsh net-define {file}\n"
                + $"LC_ALL=C virsh net-info --network {name} | grep -q 'Active: *yes' || "
                + $"virsh net-start --network {name}\n",
        };
    }

    private static string KindText(RequirementKind kind) => kind switch
    {
        RequirementKind.Bridge => "bridge",
        RequirementKind.NetworkDevice => "network device",
        RequirementKind.Pci => "PCI device",
        RequirementKind.Usb => "USB device",
        RequirementKind.Hugepages => "huge pages",
        RequirementKind.Folder => "folder",
        _ => "medium",
    };

    private static void AppendPlace(
        StringBuilder text, string member, string path, bool isBlockDevice, bool isShared)
    {
        string from = ShellWord.Quote(member);
        string to = ShellWord.Quote(path);
        if (isBlockDevice)
        {
            // The device must exist with its original size; convert -n writes to it and never creates a file.
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
        return $"tar, {decompressor}qemu-img, "
            + $"virsh{(hasImage ? ", rbd with a Ceph user that may create images" : string.Empty)}";
    }
}
