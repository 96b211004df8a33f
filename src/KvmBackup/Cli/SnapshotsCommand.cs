using System.CommandLine;

namespace KvmBackup.Cli;

/// <summary>The words of <c>snapshots</c>.</summary>
internal static class SnapshotsCommand
{
    public static Command Build(Func<ParseResult, Func<Session, Task<ExitCode>>, Task<int>> execute) => new(
        "snapshots", "our snapshots in Ceph clusters: what increments stand on")
    {
        Word(execute, "list", "which there are, and what each is for", SnapshotAction.List, Arity(ArgumentArity.ZeroOrMore)),
        Word(execute, "trim", "remove those that nothing stands on any more", SnapshotAction.Trim, Arity(ArgumentArity.ZeroOrMore)),
        Word(execute, "reset", "remove all of these: their next backup is a full one", SnapshotAction.Reset, Arity(ArgumentArity.OneOrMore)),
    };

    private static Command Word(
        Func<ParseResult, Func<Session, Task<ExitCode>>, Task<int>> execute, string name, string description, SnapshotAction deed,
        Argument<string[]> names)
    {
        Option<bool> dryRun = new("--dry-run") { Description = "say what would be removed, and remove nothing" };
        Command command = new(name, description) { names };
        if (deed != SnapshotAction.List)
        {
            command.Add(dryRun);
        }

        command.SetAction((parsed, _) => execute(parsed, async session =>
        {
            string[]? wanted = parsed.GetValue(names) is { Length: > 0 } given ? given : null;
            SnapshotsReport report = await session.Runs.Snapshots().RunAsync(
                deed, wanted, deed != SnapshotAction.List && parsed.GetValue(dryRun), session.CancellationToken);
            return session.Finish(report.ExitCode, reports => reports.Print(report));
        }));
        return command;
    }

    private static Argument<string[]> Arity(ArgumentArity arity) =>
        new("NAME") { Description = "domains, selections of images or images of the configuration", Arity = arity };
}
