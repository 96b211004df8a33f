using System.Globalization;
using KvmBackup.Model;
using Spectre.Console;

namespace KvmBackup.Reporting;

/// <summary>Reports as tables and sentences for people.</summary>
public sealed class TextReports(IAnsiConsole console, TextWriter complaints, TimeProvider time) : IReports
{
    /// <param name="output">Standard output.</param>
    /// <param name="complaints">Standard error.</param>
    /// <param name="isTerminal">Somebody watches: colours, and the width of the window.</param>
    /// <param name="time">For ages.</param>
    public static TextReports For(TextWriter output, TextWriter complaints, bool isTerminal, TimeProvider time)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output),
            Ansi = isTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            Interactive = InteractionSupport.No,
        });

        // As wide as the table is: what is cut to a window's width is lost, and a mail or a file has none.
        console.Profile.Width = 500;
        return new TextReports(console, complaints, time);
    }

    public void Print(RunReport report)
    {
        Table table = Tables.New("Domain", "Result", "Backup", "Consistency", "Content", "Archive", "Time");
        foreach (JobReport job in report.Jobs)
        {
            _ = table.AddRow(
                Tables.Cell(job.Domain.Value),
                Tables.Result(job.Outcome),
                Tables.Cell(job.Backup?.Id.ToString()),
                Tables.Cell(job.Backup?.Consistency.ToString().ToLowerInvariant()),
                Tables.Cell(job.Backup is { } backup ? ByteSize.Format(backup.Members.Sum(member => member.DataBytes)) : null),
                Tables.Cell(job.Backup is { } made ? ByteSize.Format(made.Archive.SizeBytes) : null),
                Tables.Cell(job.Elapsed > TimeSpan.Zero ? Phrases.Seconds(job.Elapsed) : null));
        }

        PrintRecovery(report.Recovery);
        console.Write(table);
        foreach (JobReport job in report.Jobs)
        {
            PrintNotes(job);
        }
    }

    public void Print(ListReport report)
    {
        Table table = Tables.New("Domain", "Backup", "Kind", "Consistency", "Disks", "Content", "Archive", "Age", "");
        foreach (CompletedBackup backup in report.Backups)
        {
            Manifest manifest = backup.Manifest;
            _ = table.AddRow(
                Tables.Cell(manifest.Domain.Value),
                Tables.Cell(manifest.Id.ToString()),
                Tables.Cell(Phrases.Kind(manifest)),
                Tables.Cell(manifest.Consistency.ToString().ToLowerInvariant()),
                Tables.Cell(string.Join(" ", manifest.Disks.Select(disk => disk.Target))),
                Tables.Cell(ByteSize.Format(manifest.Members.Sum(member => member.DataBytes))),
                Tables.Cell(ByteSize.Format(manifest.Archive.SizeBytes)),
                Tables.Cell(Phrases.Age(time.GetUtcNow() - manifest.Id.Instant)),
                Tables.Cell(Phrases.State(backup)));
        }

        if (report.Backups.Count > 0)
        {
            console.Write(table);
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
        Say($"{manifest.Domain}@{manifest.Id}   {backup.DirectoryPath}");
        Say($"  domain       {manifest.Domain} (UUID {manifest.DomainUuid}) of host {manifest.Host}");
        Say($"  kind         {Phrases.Kind(manifest)}{(backup.IsProtected ? ", protected" : string.Empty)}"
            + (manifest.MergedFrom.Count > 0 ? $", merged from {string.Join(", ", manifest.MergedFrom)}" : string.Empty));
        Say($"  consistency  {manifest.Consistency.ToString().ToLowerInvariant()}"
            + (manifest.ConsistencyReason is { } reason ? $" ({reason})" : string.Empty)
            + (manifest.FrozenFor is { } frozen ? $", frozen for {frozen.TotalMilliseconds:0} ms" : string.Empty));
        Say($"  made         {Phrases.Time(manifest.StartedAt)} to {Phrases.Time(manifest.FinishedAt)} by {manifest.Program}");
        Say($"  archive      {manifest.Archive.FileName}, {ByteSize.Format(manifest.Archive.SizeBytes)} "
            + $"({manifest.Archive.Compression.ToString().ToLowerInvariant()})");
        Table table = Tables.New("Disk", "File in the archive", "Format", "Size", "Came from");
        foreach (ManifestDisk disk in manifest.Disks)
        {
            foreach (ManifestLayer layer in disk.Layers)
            {
                _ = table.AddRow(
                    Tables.Cell(disk.Target.Value), Tables.Cell(layer.FileName), Tables.Cell(layer.Format), Tables.Cell(ByteSize.Format(layer.SizeBytes)),
                    Tables.Cell(layer.SourcePath));
            }
        }

        console.Write(table);
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
        Table table = Tables.New("File", "Size", "Of it data", "In the tar stream at", "Content checksum");
        foreach (ArchiveMember member in manifest.Members)
        {
            _ = table.AddRow(
                Tables.Cell(member.Name), Tables.Cell(ByteSize.Format(member.SizeBytes)), Tables.Cell(ByteSize.Format(member.DataBytes)),
                Tables.Cell($"{member.DataOffsetBytes}"), Tables.Cell(member.ContentXxh128));
        }

        console.Write(table);
    }

    public void Print(VerifyReport report)
    {
        foreach (VerifyResult result in report.Results)
        {
            string name = $"{result.Backup.Domain}@{result.Backup.Id}";
            long content = result.Backup.Manifest.Members.Sum(member => member.DataBytes);
            Say(result.Damages.Count == 0
                ? $"{name}: {Phrases.Verified(report.Depth, content, result.Backup.Manifest.Archive.SizeBytes)} in {Phrases.Seconds(result.Elapsed)}"
                : $"{name}: DAMAGED in {result.Damages.Count} place(s):");
            foreach (ArchiveDamage damage in result.Damages)
            {
                Say($"  {damage.File}{(damage.OffsetBytes is { } offset ? $", byte {offset}" : string.Empty)}: {damage.Reason}"
                    + (damage.Members.Count > 0 ? $"; touches {string.Join(", ", damage.Members)}" : string.Empty));
            }
        }

        SayAll("FAILED: ", report.Results.Count == 0 ? ["nothing was verified: no backup was found"] : []);
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
            Say($"{report.Domain}@{report.Id}: restored {ByteSize.Format(report.DataBytes)} in {Phrases.Seconds(report.Elapsed)}{rate}, "
                + "every checksum good.");
        }

        SayAll("  wrote ", report.WrittenFiles);
        SayAll("  kept, since it is identical: ", report.KeptFiles);
        SayAll("  warning: ", report.Warnings);
        SayAll("  ", report.Commands);
        if (report.IsDefined)
        {
            Say($"  the domain {report.Name} is defined{(report.IsStarted ? " and started" : $"; start it with: virsh start {ShellWord.Quote(report.Name.Value)}")}");
        }
    }

    public void Print(SalvageReport report)
    {
        Say($"{report.Domain}@{report.Id}: what could be had, in {Phrases.Seconds(report.Elapsed)}");
        foreach (SalvagedFile file in report.Files)
        {
            Say($"  {file.FilePath}: {Phrases.Salvaged(file)}");
            SayAll("    lost: ", file.Missing.Select(run => $"{run.LengthBytes} bytes from byte {run.OffsetBytes} on"));
        }

        SayAll("  ", report.Notes);
    }

    public void Print(PruneReport report)
    {
        Table table = Tables.New("Domain", "Backup", report.IsDryRun ? "Would be" : "Is now");
        foreach (RetentionVerdict verdict in report.Verdicts)
        {
            _ = table.AddRow(
                Tables.Cell(verdict.Backup.Domain.Value), Tables.Cell(verdict.Backup.Id.ToString()), Tables.Cell(verdict.Reason));
        }

        console.Write(table);
        SayAll("merged: ", report.Merged.Select(backup => $"{backup.Domain}: {Phrases.Merged(backup)}"));
        SayAll("note: ", report.Notes);
        SayAll("DAMAGED: ", report.Damages);
        SayAll("FAILED: ", report.Failures);
    }

    public void Print(CheckReport report)
    {
        foreach (Finding finding in report.Findings)
        {
            string mark = finding.Severity switch
            {
                FindingSeverity.Good => "ok      ",
                FindingSeverity.Warning => "warning ",
                _ => "BAD     ",
            };
            Say($"{mark}{finding.Subject}: {finding.Text}");
            if (finding.Mend is { } mend)
            {
                Say($"        -> {mend}");
            }
        }
    }

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
        Table table = Tables.New("Domain", "Disk", "Snapshot", "What for");
        foreach ((DomainName domain, SnapshotVerdict verdict) in report.Verdicts)
        {
            _ = table.AddRow(
                Tables.Cell(domain.Value), Tables.Cell(verdict.Disk.Value), Tables.Cell($"{verdict.Image}@{verdict.Snapshot.Name}"), Tables.Cell(verdict.Reason));
        }

        if (report.Verdicts.Count > 0)
        {
            console.Write(table);
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
            complaints.WriteLine($"kvmbackup: {PlainText.Line(line)}");
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
        SayAll($"{name}: ", job.Merged.Select(Phrases.Merged));
        SayAll($"{name}: ", job.Removed.Select(verdict => $"{verdict.Backup.Id}: {verdict.Reason}"));
        SayAll("    ", job.Commands);
    }

    private void PrintRecovery(RecoveryReport report)
    {
        foreach (DomainRecoveryReport domain in report.Domains)
        {
            Say($"{domain.Name}: {(domain.IsMended ? "recovered" : "NEEDS A PERSON")}");
            SayAll("    ", domain.Deeds);
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

    // Never wrapped: a command to type that is broken over lines cannot be copied.
    private void Say(string line) => console.Profile.Out.Writer.WriteLine(PlainText.Line(line));
}
