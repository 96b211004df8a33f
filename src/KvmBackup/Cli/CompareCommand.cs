using System.CommandLine;

namespace KvmBackup.Cli;

/// <summary>The command <c>compare</c>.</summary>
internal static class CompareCommand
{
    private static readonly Argument<string> Reference = new("NAME[@ID]") { Description = BackupReference.Usage };

    private static readonly Argument<string[]> Disks = new("DISK")
    {
        Description = "a disk, such as vda; default all",
        Arity = ArgumentArity.ZeroOrMore,
    };

    public static Command Build(Func<ParseResult, Func<Session, Task<ExitCode>>, Task<int>> execute)
    {
        Command command = new("compare", "compare a backup with its source")
        {
            Reference, Disks,
        };
        command.SetAction((parsed, _) => execute(parsed, async session =>
        {
            BackupReference reference = session.Find(parsed.GetValue(Reference)!);
            CompareRequest request = new(
                reference.Domain, reference.IdPrefix,
                [.. (parsed.GetValue(Disks) ?? []).Select(disk => new DiskTarget(disk))], session.Options.Wait);
            CompareReport report = await session.Runs.Compare().RunAsync(
                request, session.Progress, session.CancellationToken);
            return session.Finish(report.ExitCode, reports => reports.Print(report));
        }));
        return command;
    }
}
