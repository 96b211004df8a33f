using KvmBackup.Ceph;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Transfer;
using Serilog;

namespace KvmBackup.Runs.Compare;

/// <summary>
/// Compares each disk with its content in a backup: by the content checksum, which costs one read of the data; if it
/// differs or is missing, byte by byte.
/// </summary>
internal sealed class Comparison(DomainName name, ComparedBackup backup, RbdClient cluster, ILogger log) : IDiskConsumer
{
    private readonly List<FileComparison> files = [];
    private readonly List<string> warnings = [];

    /// <summary>The results so far.</summary>
    public IReadOnlyList<FileComparison> Files => files;

    /// <summary>Faults that were found during the read.</summary>
    public IReadOnlyList<string> Warnings => warnings;

    public async Task ReadAsync(BackupDisk disk, TransferMonitor monitor, CancellationToken cancellationToken)
    {
        IReadOnlyList<ComparedFile> archived = backup.Files[disk.Disk.Target];
        CapturedContent content = new(disk, cluster, monitor);
        string[] formats = [.. archived.Select(file => file.Format)];
        if (!content.Formats.SequenceEqual(formats))
        {
            files.Add(new FileComparison(
                disk.Disk.Target, archived[0].Layer.FileName, ComparisonVerdict.OtherForm,
                $"the backup holds {string.Join(" on ", formats)}, and the source is "
                    + $"{string.Join(" on ", content.Formats)} now"));
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
        ComparedFile file, int depth, CapturedContent content, TransferMonitor monitor,
        CancellationToken cancellationToken)
    {
        string label = file.Layer.FileName;
        bool isSame = file.Xxh128 is { } checksum && await content.ReadAsync(
            depth,
            async source => source.SizeBytes == file.SizeBytes
                && checksum == await SourceChecksum.ComputeAsync(
                    source, monitor.Begin($"reading {label}"), cancellationToken),
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
                $"{label}: the checksum of the source differs from that of the backup, but a second read finds no "
                    + $"difference. Either "
                + "the source was written to, or its disk returns wrong data: check dmesg, and run: kvmbackup verify "
                + $" {ShellWord.Quote(file.Backup.Domain.Value)}@{file.Backup.Id}")
            : found;
    }

    /// <summary>Finds where they differ.</summary>
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
