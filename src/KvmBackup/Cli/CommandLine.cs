using System.CommandLine;
using KvmBackup.Configuration;
using KvmBackup.Reporting;
using Serilog;

namespace KvmBackup.Cli;

/// <summary>The words an operator types, the run that each of them starts, and the exit code that comes of it.</summary>
public sealed class CommandLine(
    Func<GlobalOptions, ILogger, CommandFactories> assemble, StandardStreams streams, TimeProvider time)
{
    private const string LongHelp = "See kvmbackup --help.";
    private readonly CommonOptions words = new();

    /// <summary>Reports a failure of which no command knows.</summary>
    /// <param name="isVerbose">With the place in the program, for the report of a defect.</param>
    public static string Describe(Exception failure, bool isVerbose)
    {
        string place = failure.StackTrace?.Split('\n')[0].Trim() is { Length: > 0 } frame ? $" {frame}" : string.Empty;
        return $"Unexpected failure: {failure.GetType().Name}: {failure.Message.TrimEnd('.')}{place}\n"
            + "This is a defect of kvmbackup. Please report it with the command and what it prints with --verbose."
            + (isVerbose ? $"\n{failure}" : string.Empty);
    }

    /// <summary>Runs one command to its end.</summary>
    /// <returns>The exit code; a failure has been told on standard error.</returns>
    public async Task<ExitCode> RunAsync(string[] arguments)
    {
        using Signals signals = new();
        (ParseResult parsed, string[] mistakes) = Parse(arguments, signals);
        if (mistakes.Length > 0)
        {
            IReports reports = CommonOptions.IsJson(arguments) ? new JsonReports(streams.Output)
                : new TextReports(streams.Output, streams.Error, null, time);
            reports.PrintError(string.Join('\n', mistakes) + $"\n{LongHelp}", ExitCode.Usage);
            return ExitCode.Usage;
        }

        // Signals are handled here: the library would end the process two seconds after the first one.
        InvocationConfiguration invocation = new()
        {
            ProcessTerminationTimeout = null,
            EnableDefaultExceptionHandler = false,
            Output = streams.Output,
            Error = streams.Error,
        };
        ExitCode exitCode = (ExitCode)await parsed.InvokeAsync(invocation, CancellationToken.None);
        if (streams.Output.Failure is not { } failure)
        {
            return exitCode;
        }

        // What was done is done, and its exit code says how it ended; a command that only prints has failed.
        streams.Error.WriteLine($"kvmbackup: standard output cannot be written: {failure}");
        return exitCode == ExitCode.Done && !CommonOptions.ChangesAnything(parsed) ? ExitCode.Failed : exitCode;
    }

    /// <summary>What makes no sense in the words of a command; nothing is done.</summary>
    public IReadOnlyList<string> FindMistakes(string[] arguments)
    {
        using Signals signals = new();
        return Parse(arguments, signals).Mistakes;
    }

    private (ParseResult Parsed, string[] Mistakes) Parse(string[] arguments, Signals signals)
    {
        RootCommand root = BuildRoot(signals);

        // A file whose name follows an at sign is for the library a list of further words; here it is a name.
        ParseResult parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        string[] mistakes = [.. new ArgumentCheck(root).Find(arguments)];
        return (parsed, mistakes.Length > 0 ? mistakes
            : [.. parsed.Errors.Select(error => error.Message).Concat(words.FindUnused(parsed)).Distinct()]);
    }

    private RootCommand BuildRoot(Signals signals)
    {
        RootCommand root = new("Backs up running KVM guests to archives that plain tar unpacks, and gets them back.");
        foreach (Option option in words.All)
        {
            root.Options.Add(option);
        }

        CommandSet commands = new((parsed, action) => ExecuteAsync(parsed, action, signals));
        foreach (Command command in commands.All)
        {
            root.Subcommands.Add(command);
        }

        return root;
    }

    /// <summary>The one place where an exception becomes a message and an exit code.</summary>
    private async Task<int> ExecuteAsync(ParseResult parsed, Func<Session, Task<ExitCode>> action, Signals signals)
    {
        GlobalOptions options = words.Read(parsed);
        using Session session = new(options, assemble, streams, time, signals.Token);
        try
        {
            ExitCode exitCode = await action(session);

            // What a guest needs is worse news than that the run was interrupted.
            return (int)(exitCode == ExitCode.ManualActionRequired ? exitCode : signals.ExitCode ?? exitCode);
        }
        catch (OperationCanceledException)
        {
            // Without a signal it is the host that shuts down.
            ExitCode exitCode = signals.ExitCode ?? ExitCode.Terminated;
            return (int)session.Finish(exitCode, reports => reports.PrintError("interrupted; nothing was left behind", exitCode));
        }
        catch (KvmBackupException failure)
        {
            string message = failure is ConfigurationException or { InnerException: null } || !options.IsVerbose
                ? failure.Message : $"{failure.Message}\n{failure.InnerException}";
            if (failure is ConfigurationException { IsMissing: true } && CommonOptions.CanDoWithoutConfiguration(parsed))
            {
                message += "\nTo look for backups without a configuration, as on another host: give --backupdir DIR";
            }

            return (int)session.Finish(failure.ExitCode, reports => reports.PrintError(message, failure.ExitCode));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            string message = options.IsVerbose ? $"{failure}" : failure.Message;
            return (int)session.Finish(ExitCode.Failed, reports => reports.PrintError(message, ExitCode.Failed));
        }
        catch (Exception failure)
        {
            return (int)session.Finish(
                ExitCode.Failed, reports => reports.PrintError(Describe(failure, options.IsVerbose), ExitCode.Failed));
        }
    }
}
