using KvmBackup.Ceph;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Transfer;
using Serilog;

namespace KvmBackup.Runs.Compare;

/// <summary>
/// Compares each disk with what a backup holds of it: by the checksum of its content, which costs one read of the data; when
/// that is another, or there is none, byte by byte beside the archive.
/// </summary>
internal sealed class Comparison(DomainName name, ComparedBackup backup, RbdClient cluster, ILogger log) : IDiskConsumer
{
    private readonly List<FileComparison> files = [];
    private readonly List<string> warnings = [];

    /// <summary>What came of it up to now.</summary>
    public IReadOnlyList<FileComparison> Files => files;

    /// <summary>What turned out while disks were read.</summary>
    public IReadOnlyList<string> Warnings => warnings;

    public async Task TakeAsync(BackupDisk disk, TransferMonitor monitor, CancellationToken cancellationToken)
    {
        IReadOnlyList<ComparedFile> archived = backup.Files[disk.Disk.Target];
        CapturedContent content = new(disk, cluster, monitor);
        string[] formats = [.. archived.Select(file => file.Format)];
        if (!content.Formats.SequenceEqual(formats))
        {
            files.Add(new FileComparison(
                disk.Disk.Target, archived[0].Layer.FileName, ComparisonVerdict.OtherForm,
                $"the backup holds {string.Join(" on ", formats)}, and the source is {string.Join(" on ", content.Formats)} now"));
            return;
        }

        for (int depth = 0; depth < archived.Count; depth++)
        {
            log.Information("{Domain}: comparing {File}", name, archived[depth].Layer.FileName);
            files.Add(await CompareAsync(archived[depth], depth, content, monitor, cancellationToken));
        }

        if (content.Warning is { } warning)
        {
            warnings.Add($"disk {disk.Disk.Target}: {warning}");
        }
    }

    private async Task<FileComparison> CompareAsync(
        ComparedFile file, int depth, CapturedContent content, TransferMonitor monitor, CancellationToken cancellationToken)
    {
        string label = file.Layer.FileName;
        bool isSame = file.Xxh128 is { } checksum && await content.ReadAsync(
            depth,
            async source => source.SizeBytes == file.SizeBytes
                && await SourceChecksum.ComputeAsync(source, monitor.Begin($"reading {label}"), cancellationToken) == checksum,
            cancellationToken);
        if (isSame)
        {
            return new FileComparison(file.Disk.Target, label, ComparisonVerdict.Same)
            {
                BackupBytes = file.SizeBytes,
                SourceBytes = file.SizeBytes,
            };
        }

        FileComparison found = await content.ReadAsync(
            depth, source => LookAsync(file, source, monitor, cancellationToken), cancellationToken);
        return found is { Verdict: ComparisonVerdict.Same } && file.Xxh128 is not null
            ? throw new RunsException(
                $"{label}: the checksum of the source is not that of the backup, but read once more no byte differs. Either the source "
                + $"was written to, or its disk reads wrong: look in dmesg, and run: kvmbackup verify {ShellWord.Quote(file.Backup.Domain.Value)}@{file.Backup.Id}")
            : found;
    }

    /// <summary>Where they differ.</summary>
    private async Task<FileComparison> LookAsync(
        ComparedFile file, IExtentSource source, TransferMonitor monitor, CancellationToken cancellationToken)
    {
        string label = file.Layer.FileName;
        log.Information("{Domain}: {File}: reading the backup beside it", name, label);
        Differences found = await new StreamComparison(source, backup.Read(file)).CompareAsync(
            monitor.Begin($"comparing {label}"), cancellationToken);
        await backup.ReleaseAsync().WaitAsync(cancellationToken);
        ComparisonVerdict verdict = source.SizeBytes != file.SizeBytes ? ComparisonVerdict.OtherSize
            : found.Count > 0 ? ComparisonVerdict.Different : ComparisonVerdict.Same;
        return new FileComparison(file.Disk.Target, label, verdict)
        {
            BackupBytes = file.SizeBytes,
            SourceBytes = source.SizeBytes,
            DifferentBytes = found.Bytes,
            FirstDifferenceBytes = found.FirstByte,
            Differences = found.Runs,
            DifferenceCount = found.Count,
        };
    }
}
