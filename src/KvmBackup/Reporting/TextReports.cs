using KvmBackup.Reporting.Json;
using Spectre.Console;

namespace KvmBackup.Reporting;

/// <summary>Reports as tables and sentences.</summary>
/// <param name="output">Standard output.</param>
/// <param name="errors">Standard error.</param>
/// <param name="width">The columns of the terminal; null for plain text that is never wrapped.</param>
/// <param name="time">The clock, for ages.</param>
public sealed class TextReports(TextWriter output, TextWriter errors, int? width, TimeProvider time) : IReports
{
    // Lines are laid out here; Spectre must not break them.
    private const int Unlimited = 100_000;
    private readonly IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
    {
        Out = new AnsiConsoleOutput(output),
        Ansi = width is null ? AnsiSupport.No : AnsiSupport.Detect,
        Interactive = InteractionSupport.No,
    });

    private bool hasText;

    public void Print(RunReport report)
    {
        TextTable table = new("Domain", "Result", "Backup", "Consistency", "Content", "Archive", "Time");
        foreach (JobReport job in report.Jobs)
        {
            table.AddRow(
                TextTable.Cell(job.Domain.Value),
                TextTable.Result(job.Outcome),
                TextTable.Cell(job.Backup?.Id.ToString()),
                TextTable.Cell(job.Backup?.Consistency.ToString().ToLowerInvariant()),
                TextTable.Cell(job.Backup is { } backup ? ContentOf(backup) : null),
                TextTable.Cell(job.Backup is { } made ? ByteSize.Format(made.Archive.SizeBytes) : null),
                TextTable.Cell(job.Elapsed > TimeSpan.Zero ? Formatting.Seconds(job.Elapsed) : null));
        }

        PrintRecovery(report.Recovery);
        WriteTable(table);
        foreach (JobReport job in report.Jobs)
        {
            PrintNotes(job);
        }
    }

    public void Print(ListReport report)
    {
        TextTable table = new("Domain", "Backup", "Kind", "Consistency", "Disks", "Content", "Archive", "Age", "");
        foreach (CompletedBackup backup in report.Backups)
        {
            Manifest manifest = backup.Manifest;
            table.AddRow(
                TextTable.Cell(backup.Domain.Value),
                TextTable.Cell(manifest.Id.ToString()),
                TextTable.Cell(Formatting.Kind(manifest)),
                TextTable.Cell(manifest.Consistency.ToString().ToLowerInvariant()),
                TextTable.Cell(string.Join(" ", manifest.Disks.Select(disk => disk.Target))),
                TextTable.Cell(ContentOf(manifest)),
                TextTable.Cell(ByteSize.Format(manifest.Archive.SizeBytes)),
                TextTable.Cell(Formatting.Age(time.GetUtcNow() - manifest.Id.Instant)),
                TextTable.Cell(Formatting.State(backup)));
        }

        if (report.Backups.Count > 0)
        {
            WriteTable(table);
        }
        else
        {
            Write($"There is no backup in {report.DirectoryPath}.");
        }

        PrintUnusable(report.Unusable);
        WriteAll("DAMAGED: ", report.Damages);
    }

    public void Print(CompletedBackup backup, bool withFiles)
    {
        Manifest manifest = backup.Manifest;
        WriteFacts(backup);
        TextTable table = new("Disk", "File in the archive", "Format", "Size", "Source");
        foreach (ManifestDisk disk in manifest.Disks)
        {
            foreach (ManifestLayer layer in disk.Layers)
            {
                table.AddRow(
                    TextTable.Cell(disk.Target.Value), TextTable.Cell(layer.FileName), TextTable.Cell(layer.Format),
                    TextTable.Cell(ByteSize.Format(layer.SizeBytes)), TextTable.Cell(layer.SourcePath));
            }
        }

        WriteTable(table);
        if (withFiles)
        {
            PrintFiles(manifest);
        }

        foreach (string note in manifest.SkippedDisks.Select(disk => $"not included: {disk.Target}: {disk.Reason}")
            .Concat(manifest.Warnings.Select(warning => $"warning: {warning}")))
        {
            Write($"  {note}");
        }
    }

    private void WriteFacts(CompletedBackup backup)
    {
        Manifest manifest = backup.Manifest;
        ManifestArchive archive = manifest.Archive;
        string isProtected = backup.IsProtected ? ", protected" : string.Empty;
        string merged = manifest.MergedFrom.Count > 0
            ? $", merged from {string.Join(", ", manifest.MergedFrom)}" : string.Empty;
        string reason = manifest.ConsistencyReason is { } text ? $" ({text})" : string.Empty;
        string frozen = manifest.FrozenFor is { } time ? $", frozen for {time.TotalMilliseconds:0} ms" : string.Empty;
        Write($"{backup.Domain}@{manifest.Id}   {backup.DirectoryPath}");
        Write($"  domain       {manifest.Domain} (UUID {manifest.DomainUuid}) of host {manifest.Host}");
        Write($"  kind         {Formatting.Kind(manifest)}{isProtected}{merged}");
        Write($"  consistency  {manifest.Consistency.ToString().ToLowerInvariant()}{reason}{frozen}");
        Write($"  created      {Formatting.Time(manifest.StartedAt)} to {Formatting.Time(manifest.FinishedAt)} "
            + $"by {manifest.Program}");
        Write($"  archive      {archive.FileName}, {ByteSize.Format(archive.SizeBytes)} "
            + $"({archive.Compression.ToString().ToLowerInvariant()})");
        WriteList("snapshots", manifest.Snapshots.Select(snapshot => snapshot.Name));
        WriteList("refers to", manifest.Definitions.Select(one => $"{JsonValue.Name(one.Kind)} {one.Name}"));
        WriteList("uses", manifest.HostResources.Select(one => $"{JsonValue.Name(one.Kind)} {one.Name}"));
    }

    private void WriteList(string label, IEnumerable<string> texts)
    {
        if (string.Join(", ", texts) is { Length: > 0 } text)
        {
            Write($"  {label,-12} {text}");
        }
    }

    private static string ContentOf(Manifest manifest) =>
        ByteSize.Format(manifest.Members.Sum(member => member.DataBytes));

    private void PrintFiles(Manifest manifest)
    {
        TextTable table = new("File", "Size", "Data", "Offset in tar", "Content checksum");
        foreach (ArchiveMember member in manifest.Members)
        {
            table.AddRow(
                TextTable.Cell(member.Name), TextTable.Cell(ByteSize.Format(member.SizeBytes)),
                TextTable.Cell(ByteSize.Format(member.DataBytes)), TextTable.Cell($"{member.DataOffsetBytes}"),
                TextTable.Cell(member.ContentXxh128));
        }

        WriteTable(table);
    }

    public void Print(VerifyReport report)
    {
        WriteAll(string.Empty, VerifyText.Lines(report));
        PrintUnusable(report.Unusable);
    }

    public void Print(RestoreReport report, bool isDryRun)
    {
        if (isDryRun)
        {
            Write($"{report.Domain}@{report.Id}: dry run, nothing was written. A restore would:");
        }
        else
        {
            string rate = report.Elapsed > TimeSpan.Zero
                ? $", {ByteSize.Format(report.DataBytes / report.Elapsed.TotalSeconds)}/s" : string.Empty;
            Write($"{report.Domain}@{report.Id}: restored {ByteSize.Format(report.DataBytes)} in "
                + $"{Formatting.Seconds(report.Elapsed)}{rate}, all checksums are correct.");
        }

        WriteAll("  wrote ", report.WrittenFiles);
        WriteAll("  kept, already identical: ", report.KeptFiles);
        WriteAll("  warning: ", report.Warnings);
        WriteAll("  ", report.Commands);
        if (report.IsDefined)
        {
            string autostart = report.IsAutostarted ? ", starts with the host," : string.Empty;
            string start = report.IsStarted ? " and started"
                : report.StartCommand is { } command ? $"; to start it: `{command}`" : string.Empty;
            Write($"  the domain {report.Name} is defined{autostart}{start}");
        }
    }

    public void Print(SalvageReport report)
    {
        Write($"{report.Domain}@{report.Id}: salvaged in {Formatting.Seconds(report.Elapsed)}");
        foreach (SalvagedFile file in report.Files)
        {
            Write($"  {file.FilePath}: {Formatting.Salvaged(file)}");
            WriteAll("    ", Formatting.Doubts(file));
        }

        WriteAll("  ", report.Notes);
    }

    public void Print(PruneReport report)
    {
        TextTable table = new("Domain", "Backup", report.IsDryRun ? "Would be" : "Result");
        foreach (RetentionVerdict verdict in report.Verdicts)
        {
            table.AddRow(
                TextTable.Cell(verdict.Backup.Domain.Value), TextTable.Cell(verdict.Backup.Id.ToString()),
                TextTable.Cell(verdict.Reason));
        }

        WriteTable(table);
        WriteAll("merged: ", report.Merged.Select(backup => $"{backup.Domain}: {Formatting.Merged(backup)}"));
        WriteAll("note: ", report.Notes);
        WriteAll("DAMAGED: ", report.Damages);
        WriteAll("FAILED: ", report.Failures);
    }

    public void Print(CheckReport report) => WriteAll(string.Empty, CheckText.Lines(report));

    public void Print(RecoveryReport report)
    {
        if (report.Domains.Count == 0)
        {
            Write("There is nothing to recover.");
        }

        PrintRecovery(report);
    }

    public void Print(SnapshotsReport report)
    {
        TextTable table = new("Domain", "Disk", "Snapshot", "Purpose");
        foreach ((DomainName domain, SnapshotVerdict verdict) in report.Verdicts)
        {
            table.AddRow(
                TextTable.Cell(domain.Value), TextTable.Cell(verdict.Disk.Value),
                TextTable.Cell($"{verdict.Image}@{verdict.Snapshot.Name}"), TextTable.Cell(verdict.Reason));
        }

        if (report.Verdicts.Count > 0)
        {
            WriteTable(table);
        }

        WriteAll(string.Empty, SnapshotsText.Lines(report));
    }

    public void Print(CompareReport report)
    {
        PrintRecovery(report.Recovery);
        WriteAll(string.Empty, ComparisonText.Lines(report));
    }

    public void PrintError(string message, ExitCode exitCode)
    {
        foreach (string line in message.Split('\n'))
        {
            errors.WriteLine($"kvmbackup: {PlainText.ShortenWords(PlainText.Line(line))}");
        }
    }

    private void PrintNotes(JobReport job)
    {
        string name = job.Domain.Value;
        if (job.Outcome != JobOutcome.Succeeded)
        {
            Write($"{name}: {job.Reason}");
        }

        WriteAll($"{name}: without ", job.Backup?.SkippedDisks.Select(disk => $"{disk.Target}: {disk.Reason}") ?? []);
        WriteAll($"{name}: DAMAGED: ", job.Damages);
        WriteAll($"{name}: warning: ", job.Warnings);
        WriteAll($"{name}: ", job.Merged.Select(Formatting.Merged));
        WriteAll($"{name}: ", job.Removed.Select(verdict => $"{verdict.Backup.Id}: {verdict.Reason}"));
        WriteAll("    ", job.Commands);
    }

    private void PrintRecovery(RecoveryReport report)
    {
        foreach (DomainRecoveryReport domain in report.Domains)
        {
            Write($"{domain.Name}: {(domain.IsRecovered ? "recovered" : "MANUAL ACTION REQUIRED")}");
            WriteAll("    ", domain.Actions);
        }
    }

    private void PrintUnusable(IReadOnlyList<string> unusable) => WriteAll("not a usable backup: ", unusable);

    private void WriteAll(string prefix, IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            Write(prefix + line);
        }
    }

    private void WriteTable(TextTable table)
    {
        if (table.IsEmpty)
        {
            return;
        }

        if (hasText)
        {
            output.WriteLine();
        }

        hasText = true;
        console.Profile.Width = Unlimited;
        foreach (string line in width is { } columns ? table.MarkupLines(columns) : table.PlainLines())
        {
            (width is null ? output.WriteLine : (Action<string>)console.MarkupLine)(line);
        }
    }

    // Never wrapped, so that commands can be copied.
    private void Write(string line)
    {
        hasText = true;
        output.WriteLine(PlainText.Line(line));
    }
}
