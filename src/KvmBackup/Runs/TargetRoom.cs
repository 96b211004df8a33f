using KvmBackup.Configuration;
using KvmBackup.Model;
using KvmBackup.Storage;

namespace KvmBackup.Runs;

/// <summary>Refuses a backup that the target has certainly no room for.</summary>
internal static class TargetRoom
{
    private const double LikelyCompression = 0.33;

    /// <param name="target">Where it goes.</param>
    /// <param name="settings">How it is packed.</param>
    /// <param name="own">What was backed up before, the newest first.</param>
    /// <param name="dataBytes">About how much will be read.</param>
    /// <exception cref="KvmBackupException">There is too little.</exception>
    public static void Demand(
        BackupDirectory target, BackupSettings settings, IReadOnlyList<CompletedBackup> own, long dataBytes)
    {
        long needed = settings.Compression.Method == CompressionMethod.None ? dataBytes
            : own.Count > 0 ? own[0].Manifest.Archive.SizeBytes : (long)(dataBytes * LikelyCompression);
        if (target.AvailableBytes < needed)
        {
            throw new RunsException(
                $"{target.DirectoryPath} has {ByteSize.Format(target.AvailableBytes)} left and this backup needs about "
                + $"{ByteSize.Format(needed)}; make room, keep fewer backups (rotate) or choose a stronger compression");
        }
    }
}
