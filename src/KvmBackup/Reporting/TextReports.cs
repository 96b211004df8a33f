using Spectre.Console;

namespace KvmBackup.Reporting;

/// <summary>Reports as tables and sentences for people.</summary>
/// <param name="output">Standard output.</param>
/// <param name="complaints">Standard error.</param>
/// <param name="width">Of the terminal on which somebody watches; null for none: plain text, never wrapped.</param>
/// <param name="time">For ages.</param>
public sealed class TextReports(TextWriter output, TextWriter complaints, int? width, TimeProvider time) : IReports
{
    // Lines are laid out here; Spectre is to break none.
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
                TextTable.Cell(job.Backup is { } backup ? ByteSize.Format(backup.Members.Sum(member => member.DataBytes)) : null),
                TextTable.Cell(job.Backup is { } made ? ByteSize.Format(made.Archive.SizeBytes) : null),
                TextTable.Cell(job.Elapsed > TimeSpan.Zero ? Formatting.Seconds(job.Elapsed) : null));
        }

        PrintRecovery(report.Recovery);
        Show(table);
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
                TextTable.Cell(ByteSize.Format(manifest.Members.Sum(member => member.DataBytes))),
                TextTable.Cell(ByteSize.Format(manifest.Archive.SizeBytes)),
                TextTable.Cell(Formatting.Age(time.GetUtcNow() - manifest.Id.Instant)),
                TextTable.Cell(Formatting.State(backup)));
        }

        if (report.Backups.Count > 0)
        {
            Show(table);
        }
        else
        {
            Say($"There is no backup in {report.DirectoryPath}.");
        }

        PrintUnusable(report.Unusable);
        SayAll("DAMAGED: ", report.Damages);
    }

    public void Print(CompletedBackup backup, bool withFiles)
    {
        Manifest manifest = backup.Manifest;
        Say($"{backup.Domain}@{manifest.Id}   {backup.DirectoryPath}");
        Say($"  domain       {manifest.Domain} (UUID {manifest.DomainUuid}) of host {manifest.Host}");
        Say($"  kind         {Formatting.Kind(manifest)}{(backup.IsProtected ? ", protected" : string.Empty)}"
            + (manifest.MergedFrom.Count > 0 ? $", merged from {string.Join(", ", manifest.MergedFrom)}" : string.Empty));
        Say($"  consistency  {manifest.Consistency.ToString().ToLowerInvariant()}"
            + (manifest.ConsistencyReason is { } reason ? $" ({reason})" : string.Empty)
            + (manifest.FrozenFor is { } frozen ? $", frozen for {frozen.TotalMilliseconds:0} ms" : string.Empty));
        Say($"  made         {Formatting.Time(manifest.StartedAt)} to {Formatting.Time(manifest.FinishedAt)} by {manifest.Program}");
        Say($"  archive      {manifest.Archive.FileName}, {ByteSize.Format(manifest.Archive.SizeBytes)} "
            + $"({manifest.Archive.Compression.ToString().ToLowerInvariant()})");
        TextTable table = new("Disk", "File in the archive", "Format", "Size", "Came from");
        foreach (ManifestDisk disk in manifest.Disks)
        {
            foreach (ManifestLayer layer in disk.Layers)
            {
                table.AddRow(
                    TextTable.Cell(disk.Target.Value), TextTable.Cell(layer.FileName), TextTable.Cell(layer.Format), TextTable.Cell(ByteSize.Format(layer.SizeBytes)),
                    TextTable.Cell(layer.SourcePath));
            }
        }

        Show(table);
        if (withFiles)
        {
            PrintFiles(manifest);
        }

        foreach (string note in manifest.SkippedDisks.Select(disk => $"not in it: {disk.Target}: {disk.Reason}")
            .Concat(manifest.Warnings.Select(warning => $"warning: {warning}")))
        {
            Say($"  {note}");
        }
    }

    private void PrintFiles(Manifest manifest)
    {
        TextTable table = new("File", "Size", "Of it data", "In the tar stream at", "Content checksum");
        foreach (ArchiveMember member in manifest.Members)
        {
            table.AddRow(
                TextTable.Cell(member.Name), TextTable.Cell(ByteSize.Format(member.SizeBytes)), TextTable.Cell(ByteSize.Format(member.DataBytes)),
                TextTable.Cell($"{member.DataOffsetBytes}"), TextTable.Cell(member.ContentXxh128));
        }

        Show(table);
    }

    public void Print(VerifyReport report)
    {
        SayAll(string.Empty, VerifyText.Lines(report));
        PrintUnusable(report.Unusable);
    }

    public void Print(RestoreReport report, bool isDryRun)
    {
        if (isDryRun)
        {
            Say($"{report.Domain}@{report.Id}: a dry run; nothing was written. It would:");
        }
        else
        {
            string rate = report.Elapsed > TimeSpan.Zero ? $", {ByteSize.Format(report.DataBytes / report.Elapsed.TotalSeconds)}/s" : string.Empty;
            Say($"{report.Domain}@{report.Id}: restored {ByteSize.Format(report.DataBytes)} in {Formatting.Seconds(report.Elapsed)}{rate}, "
                + "every checksum good.");
        }

        SayAll("  wrote ", report.WrittenFiles);
        SayAll("  kept, since it is identical: ", report.KeptFiles);
        SayAll("  warning: ", report.Warnings);
        SayAll("  ", report.Commands);
        if (report.IsDefined)
        {
            string autostart = report.IsAutostarted ? ", starts with the host," : string.Empty;
            Say($"  the domain {report.Name} is defined{autostart}{(report.IsStarted ? " and started" : $"; start it with: virsh start {ShellWord.Quote(report.Name.Value)}")}");
        }
    }

    public void Print(SalvageReport report)
    {
        Say($"{report.Domain}@{report.Id}: what could be had, in {Formatting.Seconds(report.Elapsed)}");
        foreach (SalvagedFile file in report.Files)
        {
            Say($"  {file.FilePath}: {Formatting.Salvaged(file)}");
            SayAll("    ", Formatting.Doubts(file));
        }

        SayAll("  ", report.Notes);
    }

    public void Print(PruneReport report)
    {
        TextTable table = new("Domain", "Backup", report.IsDryRun ? "Would be" : "Is now");
        foreach (RetentionVerdict verdict in report.Verdicts)
        {
            table.AddRow(
                TextTable.Cell(verdict.Backup.Domain.Value), TextTable.Cell(verdict.Backup.Id.ToString()), TextTable.Cell(verdict.Reason));
        }

        Show(table);
        SayAll("merged: ", report.Merged.Select(backup => $"{backup.Domain}: {Formatting.Merged(backup)}"));
        SayAll("note: ", report.Notes);
        SayAll("DAMAGED: ", report.Damages);
        SayAll("FAILED: ", report.Failures);
    }

    public void Print(CheckReport report) => SayAll(string.Empty, CheckText.Lines(report));

    public void Print(RecoveryReport report)
    {
        if (report.Domains.Count == 0)
        {
            Say("There is nothing to recover.");
        }

        PrintRecovery(report);
    }

    public void Print(SnapshotsReport report)
    {
        TextTable table = new("Domain", "Disk", "Snapshot", "What for");
        foreach ((DomainName domain, SnapshotVerdict verdict) in report.Verdicts)
        {
            table.AddRow(
                TextTable.Cell(domain.Value), TextTable.Cell(verdict.Disk.Value), TextTable.Cell($"{verdict.Image}@{verdict.Snapshot.Name}"), TextTable.Cell(verdict.Reason));
        }

        if (report.Verdicts.Count > 0)
        {
            Show(table);
        }

        SayAll(string.Empty, SnapshotsText.Lines(report));
    }

    public void Print(CompareReport report)
    {
        PrintRecovery(report.Recovery);
        SayAll(string.Empty, ComparisonText.Lines(report));
    }

    public void PrintError(string message, ExitCode exitCode)
    {
        foreach (string line in message.Split('\n'))
        {
            complaints.WriteLine($"kvmbackup: {PlainText.ShortenWords(PlainText.Line(line))}");
        }
    }

    private void PrintNotes(JobReport job)
    {
        string name = job.Domain.Value;
        if (job.Outcome != JobOutcome.Succeeded)
        {
            Say($"{name}: {job.Reason}");
        }

        SayAll($"{name}: without ", job.Backup?.SkippedDisks.Select(disk => $"{disk.Target}: {disk.Reason}") ?? []);
        SayAll($"{name}: DAMAGED: ", job.Damages);
        SayAll($"{name}: warning: ", job.Warnings);
        SayAll($"{name}: ", job.Merged.Select(Formatting.Merged));
        SayAll($"{name}: ", job.Removed.Select(verdict => $"{verdict.Backup.Id}: {verdict.Reason}"));
        SayAll("    ", job.Commands);
    }

    private void PrintRecovery(RecoveryReport report)
    {
        foreach (DomainRecoveryReport domain in report.Domains)
        {
            Say($"{domain.Name}: {(domain.IsRecovered ? "recovered" : "NEEDS A PERSON")}");
            SayAll("    ", domain.Actions);
        }
    }

    private void PrintUnusable(IReadOnlyList<string> unusable) => SayAll("not a backup: ", unusable);

    private void SayAll(string prefix, IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            Say(prefix + line);
        }
    }

    private void Show(TextTable table)
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

    // Never wrapped: a command to type that is broken over lines cannot be copied.
    private void Say(string line)
    {
        hasText = true;
        output.WriteLine(PlainText.Line(line));
    }
}
