using System.CommandLine;

namespace KvmBackup.Cli;

/// <summary>The words of <c>assemble</c>.</summary>
internal static class AssembleCommand
{
    private static readonly Argument<string> Reference = new("NAME[@ID]") { Description = BackupReference.Usage };
    private static readonly Option<string> Target = new("--to") { Description = "the file, which must not exist", HelpName = "FILE", Required = true };
    private static readonly Option<string?> Disk = new("--disk") { Description = "which disk; not needed if there is but one", HelpName = "TARGET" };
    private static readonly Option<string?> Format = new("--format")
    {
        Description = "what to write; without it qcow2 if FILE ends so, else raw",
        HelpName = "raw|qcow2",
    };

    public static Command Build(Func<ParseResult, Func<Session, Task<ExitCode>>, Task<int>> execute)
    {
        _ = Format.AcceptOnlyFromAmong(AssembleRequest.Raw, AssembleRequest.Qcow2);
        Command command = new("assemble", "one disk at any point of its chain, as one raw or qcow2 file, without a cluster")
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
            parsed.GetValue(Format) ?? (path.EndsWith(".qcow2", StringComparison.OrdinalIgnoreCase) ? AssembleRequest.Qcow2 : AssembleRequest.Raw));
    }
}
