using KvmBackup.Storage;

namespace KvmBackup.Runs.Capture;

/// <summary>Refuses a backup that the target has certainly no room for.</summary>
public static class TargetSpace
{
    private const double LikelyCompression = 0.33;

    /// <param name="target">Where it goes.</param>
    /// <param name="job">What is to be backed up.</param>
    /// <param name="own">What was backed up before, the newest first.</param>
    /// <exception cref="KvmBackupException">There is too little.</exception>
    public static void Demand(BackupDirectory target, BackupJob job, IReadOnlyList<CompletedBackup> own)
    {
        long needed = Estimate(job, own);
        if (target.AvailableBytes < needed)
        {
            throw new RunsException(
                $"{target.DirectoryPath} has {ByteSize.Format(target.AvailableBytes)} left and this backup needs about "
                + $"{ByteSize.Format(needed)}; make room, keep fewer backups (rotate) or choose a stronger compression");
        }
    }

    /// <summary>As much as the last of its kind took: an increment says nothing of a full one, nor that of an increment.</summary>
    public static long Estimate(BackupJob job, IReadOnlyList<CompletedBackup> own) =>
        job.Terms.Compression.Method == CompressionMethod.None ? job.DataBytes
        : own.FirstOrDefault(backup => backup.Manifest.Kind == job.Kind)?.Manifest.Archive.SizeBytes
            ?? (long)(job.DataBytes * LikelyCompression);
}
