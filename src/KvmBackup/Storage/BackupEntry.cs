using KvmBackup.Persisting;

namespace KvmBackup.Storage;

/// <summary>Examines one entry of a domain's directory: it is a backup, or unusable with a reason.</summary>
internal static class BackupEntry
{
    /// <returns>A <see cref="CompletedBackup"/> or an <see cref="UnusableEntry"/>.</returns>
    public static (CompletedBackup? Backup, UnusableEntry? Unusable) Examine(DirectoryInfo directory)
    {
        if (BackupDirectoryName.Parse(directory.Name) is not { } name)
        {
            return Refuse(directory, UnusableCause.Foreign, "its name is not that of a backup");
        }

        // Checked before anything in it is opened: the destination of a link is not ours.
        if (directory.LinkTarget is not null)
        {
            return Refuse(directory, UnusableCause.Foreign, "it is a symbolic link; backups are directories");
        }

        if (!directory.Attributes.HasFlag(FileAttributes.Directory))
        {
            return Refuse(directory, UnusableCause.Foreign, "it is not a directory");
        }

        try
        {
            return Examine(directory, name);
        }
        catch (Exception failure) when (StorageException.IsExpected(failure))
        {
            // The other backups of the domain are not affected.
            return Refuse(directory, UnusableCause.Unreadable, $"it cannot be read: {failure.Message}");
        }
    }

    private static (CompletedBackup? Backup, UnusableEntry? Unusable) Examine(
        DirectoryInfo directory, BackupDirectoryName name) =>
        name.State switch
        {
            BackupDirectoryState.Partial => Refuse(
                directory, UnusableCause.Leftover, "it is not finished: a run is writing it or was interrupted"),
            BackupDirectoryState.Deleting => Refuse(
                directory, UnusableCause.Leftover, "its deletion was not finished"),
            _ => ExaminePublished(directory, name),
        };

    private static (CompletedBackup? Backup, UnusableEntry? Unusable) ExaminePublished(
        DirectoryInfo directory, BackupDirectoryName name)
    {
        Manifest manifest;
        try
        {
            manifest = ManifestFile.Read(Path.Combine(directory.FullName, BackupFiles.Manifest));
        }
        catch (StorageException failure)
        {
            return Refuse(directory, CauseOf(failure), failure.Message);
        }

        if (manifest.Id != name.Id || manifest.Kind != name.Kind)
        {
            BackupDirectoryName named = new(manifest.Id, manifest.Kind, BackupDirectoryState.Published);
            return Refuse(directory, UnusableCause.Damaged, $"its manifest is that of {named}");
        }

        CompletedBackup backup = new(directory.FullName, manifest, BackupFiles.IsProtected(directory.FullName))
        {
            Flaws = BackupFlaws.Find(directory.FullName, manifest.Archive),
        };
        return FindFileProblem(directory, manifest.Archive) is { } problem
            ? Refuse(directory, UnusableCause.Damaged, problem.Text, problem.IsReadable ? backup : null)
            : (backup, null);
    }

    private static UnusableCause CauseOf(StorageException failure) =>
        failure.IsOtherFormat ? UnusableCause.OtherFormat
        : failure.ExitCode == ExitCode.DamageFound ? UnusableCause.Damaged
        : UnusableCause.Unreadable;

    private static (string Text, bool IsReadable)? FindFileProblem(DirectoryInfo directory, ManifestArchive archive)
    {
        using TargetFolder folder = TargetFolder.OpenBackup(directory.FullName);
        return folder.Find(archive.FileName) is not { } file ? ($"its archive '{archive.FileName}' is missing", false)
            : !file.IsRegular ? ($"its archive '{archive.FileName}' is not a regular file", true)
            : file.SizeBytes == archive.SizeBytes ? null
            : ($"its archive '{archive.FileName}' has {file.SizeBytes} bytes; its manifest requires "
                + $"{archive.SizeBytes}", true);
    }

    private static (CompletedBackup?, UnusableEntry) Refuse(
        DirectoryInfo directory, UnusableCause cause, string reason, CompletedBackup? damaged = null) =>
        (null, new UnusableEntry(directory.Name, reason, cause, damaged));
}
