using KvmBackup.Storage;

namespace KvmBackup.Runs.Capture;

/// <summary>Refuses a backup that most likely does not fit on the target, before the guest is touched.</summary>
public static class TargetSpace
{
    // Nothing overrides a refusal, so data whose compression is not known yet is expected to compress well.
    private const double LikelyCompression = 0.33;

    // One busy night among the last increments must not refuse the next ones, nor one quiet night let them all begin.
    private const int RememberedIncrements = 7;

    // Two backups of the same guest differ by some per cent. Small ones differ by more, and index, manifest and the
    // file system's own blocks are needed beside the archive.
    private const double MarginShare = 0.10;
    private const long SmallestMarginBytes = 64L << 20;

    /// <param name="target">The target.</param>
    /// <param name="job">The backup.</param>
    /// <param name="own">The earlier backups, the newest first.</param>
    /// <exception cref="KvmBackupException">There is too little free space.</exception>
    public static void Demand(BackupDirectory target, BackupJob job, IReadOnlyList<CompletedBackup> own)
    {
        (long expected, string basis) = Estimate(job, own);
        long margin = MarginOf(expected);
        long available = target.AvailableBytes;
        if (available < expected + margin)
        {
            throw new RunsException(
                $"{target.DirectoryPath} has {ByteSize.Format(available)} left and this backup needs about "
                + $"{ByteSize.Format(expected + margin)}: {basis}, so {ByteSize.Format(expected)} are expected, and "
                + $"{ByteSize.Format(margin)} are the margin; free space, keep fewer backups (rotate, then kvmbackup "
                + "prune) or choose a stronger compression");
        }
    }

    /// <summary>What must be free beyond the expected size.</summary>
    public static long MarginOf(long expectedBytes) =>
        Math.Max(SmallestMarginBytes, (long)(expectedBytes * MarginShare));

    /// <summary>
    /// By earlier backups of the same kind and compression, else by the data: the size of an increment does not
    /// predict that of a full backup, nor the reverse.
    /// </summary>
    /// <returns>The expected size of the archive, and what that is based on.</returns>
    public static (long ExpectedBytes, string Basis) Estimate(BackupJob job, IReadOnlyList<CompletedBackup> own)
    {
        CompressionMethod method = job.Terms.Compression.Method;
        CompletedBackup[] same =
            [.. own.Where(backup => backup.Manifest.Kind == job.Kind && backup.Manifest.Archive.Compression == method)];
        return same.Length == 0 || (method == CompressionMethod.None && job.Images.Count == 0) ? ByData(job, method)
            : job.Kind == BackupKind.Full ? ByLastFull(job, same[0])
            : ByLastIncrements(same);
    }

    private static (long ExpectedBytes, string Basis) ByData(BackupJob job, CompressionMethod method)
    {
        string data = $"{ByteSize.Format(job.DataBytes)} of {(job.Kind == BackupKind.Full ? "data" : "changed data")}";
        return method == CompressionMethod.None
            ? (job.DataBytes, $"{data} are stored without compression")
            : ((long)(job.DataBytes * LikelyCompression),
                $"no earlier backup of this kind is compressed with {method.ToString().ToLowerInvariant()}, and {data} "
                    + "may shrink to a third");
    }

    private static (long ExpectedBytes, string Basis) ByLastFull(BackupJob job, CompletedBackup last)
    {
        ManifestArchive archive = last.Manifest.Archive;
        string basis = $"the full backup {last.Id} took {ByteSize.Format(archive.SizeBytes)}";

        // The size of an image is in whole objects, which is more than is read.
        long grown = job.Images.Count > 0 ? 0 : job.DataBytes - archive.TarBytes;
        return grown <= 0 ? (archive.SizeBytes, basis)
            : (archive.SizeBytes + (long)(grown * LikelyCompression),
                $"{basis}, and there are {ByteSize.Format(grown)} more of data now, which may shrink to a third");
    }

    private static (long ExpectedBytes, string Basis) ByLastIncrements(CompletedBackup[] same)
    {
        long[] sizes = [.. same.Take(RememberedIncrements).Select(backup => backup.Manifest.Archive.SizeBytes).Order()];
        long middle = sizes[sizes.Length / 2];
        return (middle, sizes.Length == 1 ? $"the last increment took {ByteSize.Format(middle)}"
            : $"most of the last {sizes.Length} increments took no more than {ByteSize.Format(middle)}");
    }
}
