using System.CommandLine;

namespace KvmBackup.Cli;

/// <summary>The command <c>snapshots</c>.</summary>
internal static class SnapshotsCommand
{
    public static Command Build(Func<ParseResult, Func<Session, Task<ExitCode>>, Task<int>> execute) => new(
        "snapshots", "list or remove the snapshots of kvmbackup in Ceph clusters")
    {
        Build(execute, "list", "list them with their purpose", SnapshotAction.List, Names(ArgumentArity.ZeroOrMore)),
        Build(
            execute, "trim", "remove those that no backup requires", SnapshotAction.Trim,
            Names(ArgumentArity.ZeroOrMore)),
        Build(
            execute, "reset", "remove all; the next backup is a full one", SnapshotAction.Reset,
            Names(ArgumentArity.OneOrMore)),
    };

    private static Command Build(
        Func<ParseResult, Func<Session, Task<ExitCode>>, Task<int>> execute, string name, string description,
        SnapshotAction action, Argument<string[]> names)
    {
        Option<bool> dryRun = new("--dry-run") { Description = "print what would be removed, and remove nothing" };
        Command command = new(name, description) { names };
        if (action != SnapshotAction.List)
        {
            command.Add(dryRun);
        }

        command.SetAction((parsed, _) => execute(parsed, async session =>
        {
            string[]? wanted = parsed.GetValue(names) is { Length: > 0 } given ? given : null;
            SnapshotsReport report = await session.Runs.Snapshots().RunAsync(
                action, wanted, action != SnapshotAction.List && parsed.GetValue(dryRun), session.CancellationToken);
            return session.Finish(report.ExitCode, reports => reports.Print(report));
        }));
        return command;
    }

    private static Argument<string[]> Names(ArgumentArity arity) =>
        new("NAME") { Description = "a domain, an image or a selection of images of the configuration", Arity = arity };
}
