using System.CommandLine;
using KvmBackup.Configuration;
using KvmBackup.Reporting;
using Serilog;

namespace KvmBackup.Cli;

/// <summary>Parses the command line, starts the run of a command and returns its exit code.</summary>
public sealed class CommandLine(
    Func<GlobalOptions, ILogger, CommandFactories> assemble, StandardStreams streams, TimeProvider time)
{
    private const string HelpHint = "See kvmbackup --help.";
    private readonly CommonOptions commonOptions = new();

    /// <summary>Describes a failure that no command expects.</summary>
    /// <param name="isVerbose">With the stack trace, for the report of a defect.</param>
    public static string Describe(Exception failure, bool isVerbose)
    {
        string place = failure.StackTrace?.Split('\n')[0].Trim() is { Length: > 0 } frame ? $" {frame}" : string.Empty;
        return $"Unexpected failure: {failure.GetType().Name}: {failure.Message.TrimEnd('.')}{place}\n"
            + "This is a defect of kvmbackup. Please report it with the command and what it prints with --verbose."
            + (isVerbose ? $"\n{failure}" : string.Empty);
    }

    /// <summary>Runs one command to its end.</summary>
    /// <returns>The exit code. A failure has been printed.</returns>
    public async Task<ExitCode> RunAsync(string[] arguments)
    {
        using Signals signals = new();
        (ParseResult parsed, string[] mistakes) = Parse(arguments, signals);
        if (mistakes.Length > 0)
        {
            string? command = CommonOptions.NameOf(parsed.CommandResult.Command);
            IReports reports = CommonOptions.IsJson(arguments)
                ? new JsonReports(streams.Output, command, signals.Settle)
                : new TextReports(streams.Output, streams.Error, null, time);
            reports.PrintError(string.Join('\n', mistakes) + $"\n{HelpHint}", ExitCode.Usage);
            return ExitCode.Usage;
        }

        // The library would end the process two seconds after the first signal; this program handles signals itself.
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

        // A command that only prints has failed; the exit code of any other is about its work.
        streams.Error.WriteLine($"kvmbackup: standard output cannot be written: {failure}");
        return exitCode == ExitCode.Done && !CommonOptions.ChangesAnything(parsed) ? ExitCode.Failed : exitCode;
    }

    /// <summary>The mistakes in a command line, which is not carried out.</summary>
    public IReadOnlyList<string> FindMistakes(string[] arguments)
    {
        using Signals signals = new();
        return Parse(arguments, signals).Mistakes;
    }

    /// <summary>The help of all commands; that of the program has an empty name.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Help()
    {
        using Signals signals = new();
        return All(BuildRoot(signals)).ToDictionary(
            command => CommonOptions.NameOf(command) ?? string.Empty,
            command => (IReadOnlyList<string>)[.. HelpCommand.Lines(command, commonOptions)]);
    }

    private static IEnumerable<Command> All(Command command) => command.Subcommands.SelectMany(All).Prepend(command);

    private (ParseResult Parsed, string[] Mistakes) Parse(string[] arguments, Signals signals)
    {
        RootCommand root = BuildRoot(signals);

        // By default the library reads further arguments from the file that is named after an at sign.
        ParseResult parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        string[] mistakes = [.. new ArgumentCheck(root).Find(arguments)];
        return (parsed, mistakes.Length > 0 ? mistakes
            : [.. parsed.Errors.Select(error => error.Message).Concat(commonOptions.FindUnused(parsed)).Distinct()]);
    }

    private RootCommand BuildRoot(Signals signals)
    {
        RootCommand root = new("Backs up running KVM guests.");
        foreach (Option option in commonOptions.All)
        {
            root.Options.Add(option);
        }

        CommandSet commands = new((parsed, action) => ExecuteAsync(parsed, action, signals));
        foreach (Command command in commands.All)
        {
            root.Subcommands.Add(command);
        }

        HelpCommand.Add(root, commonOptions);
        return root;
    }

    /// <summary>The one place where an exception becomes a message and an exit code.</summary>
    private async Task<int> ExecuteAsync(ParseResult parsed, Func<Session, Task<ExitCode>> action, Signals signals)
    {
        GlobalOptions options = commonOptions.Read(parsed);
        using Session session = new(options, assemble, streams, time, signals);
        try
        {
            return (int)signals.Settle(await action(session));
        }
        catch (OperationCanceledException)
        {
            // Without a signal, the shutdown of the host cancels a run.
            ExitCode exitCode = signals.ExitCode ?? ExitCode.Terminated;
            return Fail(session, "interrupted; everything was cleaned up", exitCode);
        }
        catch (KvmBackupException failure)
        {
            string message = failure is ConfigurationException or { InnerException: null } || !options.IsVerbose
                ? failure.Message : $"{failure.Message}\n{failure.InnerException}";
            if (failure is ConfigurationException { IsMissing: true }
                && CommonOptions.CanDoWithoutConfiguration(parsed))
            {
                message += "\nTo use backups without a configuration, for example on another host: give "
                    + "--backupdir DIR";
            }

            return Fail(session, message, failure.ExitCode);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return Fail(session, options.IsVerbose ? $"{failure}" : failure.Message, ExitCode.Failed);
        }
        catch (Exception failure)
        {
            return Fail(session, Describe(failure, options.IsVerbose), ExitCode.Failed);
        }
    }

    private static int Fail(Session session, string message, ExitCode exitCode) =>
        (int)session.Finish(exitCode, reports => reports.PrintError(message, exitCode));
}
