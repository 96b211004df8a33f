using System.CommandLine;

namespace KvmBackup.Cli;

/// <summary>The commands, each with its own words.</summary>
/// <param name="execute">Runs a command's deed in a session.</param>
internal sealed class CommandSet(Func<ParseResult, Func<Session, Task<ExitCode>>, Task<int>> execute)
{
    private readonly Option<bool> dryRun = new("--dry-run") { Description = "print each command that would change something, and run none" };

    public IReadOnlyList<Command> All =>
    [
        Run(), Backup(), List(), Show(), VerifyCommand.Build(execute), RestoreCommand.Build(execute), AssembleCommand.Build(execute), CatCommand.Build(execute),
        CompareCommand.Build(execute), Prune(), Recover(), Check(),
        SnapshotsCommand.Build(execute),
    ];

    private Command Run()
    {
        Option<string[]> domains = new("--domain", "-d", "--domains")
        {
            Description = "only these, separated by commas",
            HelpName = "A,B",
        };
        Option<bool> force = new("--force", "-f") { Description = "whatever the weekday" };
        Command command = new("run", "back up every domain that is due today: the crontab line") { domains, force, dryRun };
        command.SetAction((parsed, _) => execute(parsed, session => BackUpAsync(session, new BackupRequest(
            Split(parsed.GetValue(domains)), parsed.GetValue(force), parsed.GetValue(dryRun), session.Options.Wait))));
        return command;
    }

    private Command Backup()
    {
        Argument<string[]> names = new("NAME") { Description = "domains, selections of images or images of the configuration", Arity = ArgumentArity.OneOrMore };
        Command command = new("backup", "back up these now, whatever the day") { names, dryRun };
        command.SetAction((parsed, _) => execute(parsed, session => BackUpAsync(session, new BackupRequest(
            parsed.GetValue(names), true, parsed.GetValue(dryRun), session.Options.Wait))));
        return command;
    }

    private static async Task<ExitCode> BackUpAsync(Session session, BackupRequest request)
    {
        RunReport report = await session.Runs.Backup().RunAsync(request, session.Progress, session.CancellationToken);
        return session.Finish(report.ExitCode, reports => reports.Print(report));
    }

    private Command List()
    {
        Argument<string?> name = new("NAME") { Description = "one domain", Arity = ArgumentArity.ZeroOrOne };
        Command command = new("list", "the backups there are") { name };
        command.SetAction((parsed, _) => execute(parsed, session =>
        {
            ListReport report = session.Runs.List().Run(parsed.GetValue(name) is { } text ? new DomainName(text) : null);
            return Task.FromResult(session.Finish(report.ExitCode, reports => reports.Print(report)));
        }));
        return command;
    }

    private Command Show()
    {
        Argument<string> reference = new("NAME[@ID]") { Description = BackupReference.Usage };
        Option<bool> files = new("--files") { Description = "with every file of the archive" };
        Command command = new("show", "one backup in full") { reference, files };
        command.SetAction((parsed, _) => execute(parsed, session =>
        {
            BackupReference wanted = session.Find(parsed.GetValue(reference)!);
            CompletedBackup backup = session.Runs.List().Show(wanted.Domain, wanted.IdPrefix);
            return Task.FromResult(session.Finish(ExitCode.Done, reports => reports.Print(backup, parsed.GetValue(files))));
        }));
        return command;
    }

    private Command Prune()
    {
        Command command = new("prune", "retention now, with the reason for each backup") { dryRun };
        command.SetAction((parsed, _) => execute(parsed, async session =>
        {
            PruneReport report = await session.Runs.Prune().RunAsync(parsed.GetValue(dryRun), session.CancellationToken);
            return session.Finish(report.ExitCode, reports => reports.Print(report));
        }));
        return command;
    }

    private Command Recover()
    {
        Command command = new("recover", "undo what an interrupted run left: thaw guests, put them back on their disks");
        command.SetAction((parsed, _) => execute(parsed, async session =>
        {
            RecoveryReport report = await session.Runs.Recover().RunAsync(session.Options.Wait, session.CancellationToken);
            return session.Finish(report.ExitCode, reports => reports.Print(report));
        }));
        return command;
    }

    private Command Check()
    {
        Command command = new("check", "the configuration and this host: what would go wrong tonight, and the mend");
        command.SetAction((parsed, _) => execute(parsed, async session =>
        {
            CheckReport report = await session.Runs.Check().RunAsync(session.CancellationToken);
            return session.Finish(report.ExitCode, reports => reports.Print(report));
        }));
        return command;
    }

    // A single name is taken as it is typed: a blank at its end may be part of it.
    private static string[]? Split(string[]? lists) => lists is null or [] ? null
        : [.. lists.SelectMany(list => !list.Contains(',', StringComparison.Ordinal) ? [list]
            : list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];
}
