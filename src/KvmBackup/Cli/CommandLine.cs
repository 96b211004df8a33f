using System.CommandLine;
using KvmBackup.Configuration;
using KvmBackup.Model;
using KvmBackup.Reporting;
using Serilog;

namespace KvmBackup.Cli;

/// <summary>The words an operator types, the run that each of them starts, and the exit code that comes of it.</summary>
public sealed class CommandLine(Func<GlobalOptions, ILogger, RunSet> assemble, TimeProvider time)
{
    private readonly GlobalWords words = new();

    /// <summary>Runs one command to its end.</summary>
    /// <returns>The exit code; a failure has been told on standard error.</returns>
    public async Task<ExitCode> RunAsync(string[] arguments)
    {
        using Signals signals = new();
        ParseResult parsed = BuildRoot(signals).Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            IReports reports = words.IsJson(parsed)
                ? new JsonReports(Console.Out) : TextReports.For(Console.Out, Console.Error, false, time);
            reports.PrintError(
                string.Join('\n', parsed.Errors.Select(error => error.Message)) + "\nSee kvmbackup --help.", ExitCode.Usage);
            return ExitCode.Usage;
        }

        // Signals are handled here: the library would end the process two seconds after the first one.
        InvocationConfiguration invocation = new() { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false };
        return (ExitCode)await parsed.InvokeAsync(invocation, CancellationToken.None);
    }

    private RootCommand BuildRoot(Signals signals)
    {
        RootCommand root = new("Backs up running KVM guests to archives that plain tar unpacks, and gets them back.");
        foreach (Option option in words.All)
        {
            root.Options.Add(option);
        }

        CommandWords commands = new((parsed, action) => ExecuteAsync(parsed, action, signals));
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
        using Session session = new(options, assemble, time, signals.Token);
        try
        {
            ExitCode exitCode = await action(session);

            // What a guest needs is worse news than that the run was interrupted.
            return (int)(exitCode == ExitCode.GuestNeedsPerson ? exitCode : signals.ExitCode ?? exitCode);
        }
        catch (OperationCanceledException) when (signals.ExitCode is { } exitCode)
        {
            return (int)session.Finish(exitCode, reports => reports.PrintError("interrupted; nothing was left behind", exitCode));
        }
        catch (KvmBackupException failure)
        {
            string message = failure is ConfigurationException or { InnerException: null } || !options.IsVerbose
                ? failure.Message : $"{failure.Message}\n{failure.InnerException}";
            return (int)session.Finish(failure.ExitCode, reports => reports.PrintError(message, failure.ExitCode));
        }
    }
}
