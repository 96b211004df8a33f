namespace KvmBackup.Storage;

/// <summary>
/// Tells an increment from the full backup of the same instant that it was merged into: when a run died before the increment
/// was removed, both are there, and only the full one counts.
/// </summary>
internal static class SupersededIncrements
{
    /// <param name="found">What is whole in itself.</param>
    /// <returns>Those that count, and the rest with the reason.</returns>
    public static (IReadOnlyList<CompletedBackup> Current, IReadOnlyList<UnusableEntry> Merged) Part(IReadOnlyList<CompletedBackup> found)
    {
        CompletedBackup[] replaced = [.. found.Where(backup => found.Any(other => Replaces(other, backup)))];
        return ([.. found.Except(replaced)], [.. replaced.Select(backup => new UnusableEntry(
            Path.GetFileName(backup.DirectoryPath), "it was merged into the full backup of the same instant", UnusableCause.Leftover))]);
    }

    /// <summary>Whether a backup holds all that an increment and what that stands on hold. A protected one is never replaced.</summary>
    public static bool Replaces(CompletedBackup full, CompletedBackup increment) =>
        full.Id == increment.Id && !increment.IsProtected
        && full.Manifest.DomainUuid == increment.Manifest.DomainUuid
        && full.Manifest.Kind == BackupKind.Full && increment.Manifest.Kind != BackupKind.Full
        && full.Manifest.MergedFrom.Contains(increment.Id)
        && full.Manifest.Disks.Select(Content).SequenceEqual(increment.Manifest.Disks.Select(Content));

    private static (DiskTarget Target, long SizeBytes, string? ImageId, string? Snapshot) Content(ManifestDisk disk) =>
        (disk.Target, disk.VirtualSizeBytes, disk.Image?.ImageId, disk.Image?.Snapshot);
}
