using System.CommandLine;

namespace KvmBackup.Cli;

/// <summary>All commands with their arguments and options.</summary>
/// <param name="execute">Runs the action of a command in a session.</param>
internal sealed class CommandSet(Func<ParseResult, Func<Session, Task<ExitCode>>, Task<int>> execute)
{
    private readonly Option<bool> dryRun = new("--dry-run")
    {
        Description = "print each command that would change something, and run none",
    };

    public IReadOnlyList<Command> All =>
    [
        Run(), Backup(), List(), Show(), VerifyCommand.Build(execute), RestoreCommand.Build(execute),
        AssembleCommand.Build(execute), CatCommand.Build(execute), CompareCommand.Build(execute), Prune(), Recover(),
        Check(), SnapshotsCommand.Build(execute),
    ];

    private Command Run()
    {
        Option<string[]> domains = new("--domain", "-d", "--domains")
        {
            Description = "only these domains or images, separated by commas",
            HelpName = "A,B",
        };
        Option<bool> force = new("--force", "-f") { Description = "also those that are not due today" };
        Command command = new("run", "back up each domain that is due today") { domains, force, dryRun };
        command.SetAction((parsed, _) => execute(parsed, session => BackUpAsync(session, new BackupRequest(
            Split(parsed.GetValue(domains)), parsed.GetValue(force), parsed.GetValue(dryRun), session.Options.Wait))));
        return command;
    }

    private Command Backup()
    {
        Argument<string[]> names = new("NAME")
        {
            Description = "a domain, an image or a selection of images",
            Arity = ArgumentArity.OneOrMore,
        };
        Command command = new("backup", "back up the named domains or images now") { names, dryRun };
        command.SetAction((parsed, _) => execute(parsed, session => BackUpAsync(
            session,
            new BackupRequest(parsed.GetValue(names), true, parsed.GetValue(dryRun), session.Options.Wait)
            {
                AllowsUnlisted = true,
            })));
        return command;
    }

    private static async Task<ExitCode> BackUpAsync(Session session, BackupRequest request)
    {
        RunReport report = await session.Runs.Backup().RunAsync(request, session.Progress, session.CancellationToken);
        return session.Finish(report.ExitCode, reports => reports.Print(report));
    }

    private Command List()
    {
        Argument<string?> name = new("NAME[@ID]")
        {
            Description = "a domain or image; with an ID, that backup in full, as show does",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Command command = new("list", "list backups") { name };
        command.SetAction((parsed, _) => execute(parsed, session =>
        {
            string? text = parsed.GetValue(name);
            if (text is not null && FindOne(session, text) is { } wanted)
            {
                CompletedBackup backup = session.Runs.List().Show(wanted.Domain, wanted.IdPrefix);
                return Task.FromResult(session.Finish(ExitCode.Done, reports => reports.Print(backup, false)));
            }

            ListReport report = session.Runs.List().Run(text is not null ? new DomainName(text) : null);
            return Task.FromResult(session.Finish(report.ExitCode, reports => reports.Print(report)));
        }));
        return command;
    }

    /// <returns>The one backup that is meant; null when the text is a name, which may hold an at sign itself.</returns>
    private static BackupReference? FindOne(Session session, string text) =>
        !session.Runs.List().Has(text) && session.Find(text) is { } reference && reference.Domain.Value != text
            ? reference : null;

    private Command Show()
    {
        Argument<string> reference = new("NAME[@ID]") { Description = BackupReference.Usage };
        Option<bool> files = new("--files") { Description = "also list each file of the archive" };
        Command command = new("show", "print all facts about one backup") { reference, files };
        command.SetAction((parsed, _) => execute(parsed, session =>
        {
            BackupReference wanted = session.Find(parsed.GetValue(reference)!);
            CompletedBackup backup = session.Runs.List().Show(wanted.Domain, wanted.IdPrefix);
            bool withFiles = parsed.GetValue(files);
            return Task.FromResult(session.Finish(ExitCode.Done, reports => reports.Print(backup, withFiles)));
        }));
        return command;
    }

    private Command Prune()
    {
        Command command = new("prune", "apply the retention now") { dryRun };
        command.SetAction((parsed, _) => execute(parsed, async session =>
        {
            PruneReport report = await session.Runs.Prune().RunAsync(
                parsed.GetValue(dryRun), session.CancellationToken);
            return session.Finish(report.ExitCode, reports => reports.Print(report));
        }));
        return command;
    }

    private Command Recover()
    {
        Command command = new("recover", "undo what an interrupted run left");
        command.SetAction((parsed, _) => execute(parsed, async session =>
        {
            RecoveryReport report = await session.Runs.Recover().RunAsync(
                session.Options.Wait, session.CancellationToken);
            return session.Finish(report.ExitCode, reports => reports.Print(report));
        }));
        return command;
    }

    private Command Check()
    {
        Command command = new("check", "check the configuration and this host");
        command.SetAction((parsed, _) => execute(parsed, async session =>
        {
            CheckReport report = await session.Runs.Check().RunAsync(session.CancellationToken);
            return session.Finish(report.ExitCode, reports => reports.Print(report));
        }));
        return command;
    }

    // A single name is not trimmed: a blank at its end may be part of it.
    private static string[]? Split(string[]? lists) => lists is null or [] ? null
        : [.. lists.SelectMany(list => !list.Contains(',', StringComparison.Ordinal) ? [list]
            : list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];
}
