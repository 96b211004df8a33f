using System.CommandLine;
using KvmBackup.Model;

namespace KvmBackup.Cli;

/// <summary>The words of <c>restore</c>.</summary>
internal static class RestoreWords
{
    private static readonly Argument<string> Reference = new("NAME[@ID]") { Description = "a backup; without an ID the newest" };
    private static readonly Option<string?> Target = new("--to") { Description = "put the disks here; without it where they were", HelpName = "DIR" };
    private static readonly Option<string?> NewName = new("--as") { Description = "restore a copy: new name, new UUID, new MAC addresses", HelpName = "NEWNAME" };
    private static readonly Option<string?> Disk = new("--disk") { Description = "only this disk", HelpName = "TARGET" };
    private static readonly Option<bool> Define = new("--define") { Description = "define the domain in libvirt" };
    private static readonly Option<bool> Start = new("--start") { Description = "define the domain and start it" };
    private static readonly Option<string?> Replace = new("--replace") { Description = "overwrite this domain's disks and definition; the name must be typed", HelpName = "NAME" };
    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "print what would be done, and do nothing" };

    public static Command Build(Func<ParseResult, Func<Session, Task<ExitCode>>, Task<int>> execute)
    {
        Command command = new("restore", "bring disks back, and the domain; never overwrites unasked")
        {
            Reference, Target, NewName, Disk, Define, Start, Replace, DryRun,
        };
        command.SetAction((parsed, _) => execute(parsed, async session =>
        {
            RestoreRequest request = Read(parsed);
            RestoreReport report = await session.Runs.Restore().RunAsync(request, session.Progress, session.CancellationToken);
            return session.Finish(ExitCode.Done, reports => reports.Print(report, request.IsDryRun));
        }));
        return command;
    }

    private static RestoreRequest Read(ParseResult parsed)
    {
        BackupReference reference = BackupReference.Parse(parsed.GetValue(Reference)!);
        string? target = parsed.GetValue(Target);
        if (target?.StartsWith("rbd:", StringComparison.Ordinal) is true)
        {
            throw new CliException("Restoring into Ceph RBD is not built yet: restore to files with --to DIR, then use rbd import.");
        }

        return new RestoreRequest(
            reference.Domain,
            reference.IdPrefix,
            target is null ? null : Path.GetFullPath(target),
            parsed.GetValue(NewName) is { } name ? new DomainName(name) : null,
            parsed.GetValue(Disk) is { } disk ? new DiskTarget(disk) : null,
            parsed.GetValue(Define),
            parsed.GetValue(Start),
            parsed.GetValue(Replace) is { } replaced ? new DomainName(replaced) : null,
            parsed.GetValue(DryRun));
    }
}
