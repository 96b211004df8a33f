using System.CommandLine;

namespace KvmBackup.Cli;

/// <summary>The command <c>assemble</c>.</summary>
internal static class AssembleCommand
{
    private static readonly Argument<string> Reference = new("NAME[@ID]") { Description = BackupReference.Usage };

    private static readonly Option<string> Target = new("--to")
    {
        Description = "the file to write, which must not exist",
        HelpName = "FILE",
        Required = true,
    };

    private static readonly Option<string?> Disk = new("--disk")
    {
        Description = "the disk, such as vda; required if there is more than one",
        HelpName = "TARGET",
    };

    private static readonly Option<string?> Format = new("--format")
    {
        Description = "the format of FILE; default qcow2 if its name ends in .qcow2, else raw",
        HelpName = "raw|qcow2",
    };

    public static Command Build(Func<ParseResult, Func<Session, Task<ExitCode>>, Task<int>> execute)
    {
        _ = Format.AcceptOnlyFromAmong(AssembleRequest.Raw, AssembleRequest.Qcow2);
        Command command = new("assemble", "write one disk to one raw or qcow2 file")
        {
            Reference, Disk, Target, Format,
        };
        command.SetAction((parsed, _) => execute(parsed, async session =>
        {
            RestoreReport report = await session.Runs.Assemble().RunAsync(
                Read(parsed, session), session.Progress, session.CancellationToken);
            return session.Finish(ExitCode.Done, reports => reports.Print(report, isDryRun: false));
        }));
        return command;
    }

    private static AssembleRequest Read(ParseResult parsed, Session session)
    {
        BackupReference reference = session.Find(parsed.GetValue(Reference)!);
        string path = Path.GetFullPath(parsed.GetValue(Target)!);
        return new AssembleRequest(
            reference.Domain, reference.IdPrefix, parsed.GetValue(Disk) is { } disk ? new DiskTarget(disk) : null, path,
            parsed.GetValue(Format) ?? DefaultFormat(path));
    }

    private static string DefaultFormat(string path) =>
        path.EndsWith(".qcow2", StringComparison.OrdinalIgnoreCase) ? AssembleRequest.Qcow2 : AssembleRequest.Raw;
}
