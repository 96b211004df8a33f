using KvmBackup.Model;
using KvmBackup.Reporting;
using Serilog;
using Serilog.Core;
using Serilog.Events;

namespace KvmBackup.Cli;

/// <summary>One invocation: its options, where it reports to, and the runs it may start.</summary>
public sealed class Session : IDisposable
{
    private readonly TerminalLog terminal;
    private readonly Logger log;

    /// <param name="options">What holds for every command.</param>
    /// <param name="assemble">Makes the rooms.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Is cancelled by a signal.</param>
    public Session(
        GlobalOptions options, Func<GlobalOptions, ILogger, RunSet> assemble, TimeProvider time,
        CancellationToken cancellationToken)
    {
        Options = options;
        CancellationToken = cancellationToken;
        terminal = new TerminalLog(Console.Error, !Console.IsErrorRedirected && !options.IsQuiet && !options.IsJson, time);
        LogEventLevel level = options.IsVerbose ? LogEventLevel.Debug
            : options.IsQuiet ? LogEventLevel.Warning : LogEventLevel.Information;
        log = new LoggerConfiguration().MinimumLevel.Is(level).WriteTo.Sink(terminal).CreateLogger();
        Reports = options.IsJson
            ? new JsonReports(Console.Out)
            : TextReports.For(Console.Out, Console.Error, !Console.IsOutputRedirected, time);
        Runs = assemble(options, log);
    }

    public GlobalOptions Options { get; }

    public RunSet Runs { get; }

    public IReports Reports { get; }

    public CancellationToken CancellationToken { get; }

    /// <summary>Takes how far a transfer is.</summary>
    public IProgress<TransferProgress> Progress => terminal;

    /// <summary>Prints a report and gives its exit code; quiet is quiet while all is well.</summary>
    public ExitCode Finish(ExitCode exitCode, Action<IReports> print)
    {
        terminal.Finish();
        if (!Options.IsQuiet || exitCode != ExitCode.Done)
        {
            print(Reports);
        }

        return exitCode;
    }

    public void Dispose()
    {
        terminal.Finish();
        log.Dispose();
    }
}
