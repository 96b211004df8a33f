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
    /// <param name="streams">Where it reports to.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Is cancelled by a signal.</param>
    public Session(
        GlobalOptions options, Func<GlobalOptions, ILogger, CommandFactories> assemble, StandardStreams streams,
        TimeProvider time, CancellationToken cancellationToken)
    {
        Options = options;
        Streams = streams;
        CancellationToken = cancellationToken;
        bool showsProgress = streams.ErrorWidth is not null && !options.IsQuiet && !options.IsJson;
        terminal = new TerminalLog(streams.Error, showsProgress, time, () => streams.ErrorWidth);
        LogEventLevel level = options.IsVerbose ? LogEventLevel.Debug
            : options.IsQuiet ? LogEventLevel.Warning : LogEventLevel.Information;
        log = new LoggerConfiguration().MinimumLevel.Is(level).WriteTo.Sink(terminal).CreateLogger();
        TextReports text = new(streams.Output, streams.Error, streams.OutputWidth, time);
        Reports = options.IsJson ? new JsonReports(streams.Output)
            : options.IsQuiet ? new QuietReports(text, streams.Output)
            : text;
        Runs = assemble(options, log);
    }

    public GlobalOptions Options { get; }

    public StandardStreams Streams { get; }

    public CommandFactories Runs { get; }

    public IReports Reports { get; }

    public CancellationToken CancellationToken { get; }

    /// <summary>Takes how far a transfer is.</summary>
    public IProgress<TransferProgress> Progress => terminal;

    /// <summary>The backup that an operator typed.</summary>
    /// <exception cref="KvmBackupException">There is no name, or its path lies elsewhere than the backups.</exception>
    public BackupReference Find(string text)
    {
        BackupReference reference = BackupReference.Parse(text);
        return reference.BackupDirectory is { } there && Runs.BackupDirectoryPath() is var here && here != there
            ? throw new CliException(
                $"'{text}' lies in '{there}', and backups are looked for in '{here}': "
                + $"give --backupdir {ShellWord.Quote(there)}")
            : reference;
    }

    /// <summary>Prints a report and gives its exit code.</summary>
    public ExitCode Finish(ExitCode exitCode, Action<IReports> print)
    {
        terminal.Finish();
        print(Reports);
        return exitCode;
    }

    public void Dispose()
    {
        terminal.Finish();
        log.Dispose();
    }
}
