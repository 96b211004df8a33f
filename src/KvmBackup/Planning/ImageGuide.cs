namespace KvmBackup.Planning;

/// <summary>Writes RESTORE.md of an image without a guest: the commands that bring it back with tar and rbd alone.</summary>
public static class ImageGuide
{
    public static string Write(DomainName name, BackupId id, string host, string archiveName, BackupDisk disk)
    {
        BackupImage image = disk.Image!;
        return $"""
            # {image.Source.Image} by hand

            A backup of the RBD image `{image.Source.Image}` (ID {image.Facts.Id}, {image.Facts.SizeBytes} bytes), made on host
            {host}, {id}. These commands bring it back without the program that made the backup. Type them in the folder
            that holds `{archiveName}`; none of them overwrites an image that is there.

            ## 1. Is the backup whole?
            ```sh
            sha256sum -c SHA256SUMS
            ```

            ## 2. Unpack it
            ```sh
            tar -xf {ShellWord.Quote(archiveName)}
            ```

            ## 3. Put it into the cluster

            """ + RestoreGuide.Image(
            name.FileName, archiveName, disk.Disk.Target, image.Source.Image, image.SnapshotName, image.Base?.Backup);
    }
}
