namespace KvmBackup.Storage;

/// <summary>
/// Finds the increments that were merged into a full backup of the same instant. After an interruption before the
/// removal of
/// the increment both exist, and only the full one counts.
/// </summary>
internal static class SupersededIncrements
{
    /// <param name="found">Backups that are complete in themselves.</param>
    /// <returns>Those that count, and the others with the reason.</returns>
    public static (IReadOnlyList<CompletedBackup> Current, IReadOnlyList<UnusableEntry> Merged) Split(
        IReadOnlyList<CompletedBackup> found)
    {
        CompletedBackup[] replaced = [.. found.Where(backup => found.Any(other => Replaces(other, backup)))];
        return ([.. found.Except(replaced)], [.. replaced.Select(backup => new UnusableEntry(
            Path.GetFileName(backup.DirectoryPath), "it was merged into the full backup of the same instant",
            UnusableCause.Leftover))]);
    }

    /// <summary>Whether a full backup replaces an increment and its bases. A protected increment is never
    /// replaced.</summary>
    public static bool Replaces(CompletedBackup full, CompletedBackup increment) =>
        full.Id == increment.Id && !increment.IsProtected
        && full.Manifest.DomainUuid == increment.Manifest.DomainUuid
        && full.Manifest.Kind == BackupKind.Full && increment.Manifest.Kind != BackupKind.Full
        && full.Manifest.MergedFrom.Contains(increment.Id)
        && full.Manifest.Disks.Select(Content).SequenceEqual(increment.Manifest.Disks.Select(Content));

    private static (DiskTarget Target, long SizeBytes, string? ImageId, string? Snapshot) Content(ManifestDisk disk) =>
        (disk.Target, disk.VirtualSizeBytes, disk.Image?.ImageId, disk.Image?.Snapshot);
}
