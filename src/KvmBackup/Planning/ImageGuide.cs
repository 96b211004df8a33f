namespace KvmBackup.Planning;

/// <summary>Writes RESTORE.md of an image without a guest: the commands for a restore with tar and rbd alone.</summary>
public static class ImageGuide
{
    public static string Write(DomainName name, BackupId id, string host, string archiveName, BackupDisk disk)
    {
        BackupImage image = disk.Image!;
        return $"""
            # Restore the RBD image {RestoreGuide.Code(image.Source.Image.ToString())}

            A backup of the RBD image {RestoreGuide.Code(image.Source.Image.ToString())}
            (ID {image.Facts.Id}, {image.Facts.SizeBytes} bytes) from host {host}, taken {id}.
            You need: tar, rbd.

            Change to the folder that holds {RestoreGuide.Code(archiveName)}. Run the commands in order. Stop when a
            command fails. No command overwrites an existing image.

            ## 1. Check the backup
            ```sh
            sha256sum -c SHA256SUMS
            ```

            ## 2. Unpack the archive
            ```sh
            tar -xf {ShellWord.Quote(archiveName)}
            ```

            ## 3. Import the image

            """ + RestoreGuide.Image(
            name.FileName, archiveName, disk.Disk.Target, image.Source.Image, image.SnapshotName, image.Base?.Backup);
    }
}
