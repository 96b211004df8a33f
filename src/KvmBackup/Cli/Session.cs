using KvmBackup.Reporting;
using Serilog;
using Serilog.Core;
using Serilog.Events;

namespace KvmBackup.Cli;

/// <summary>One invocation of the program: its options, its streams, its reports and its runs.</summary>
public sealed class Session : IDisposable
{
    private readonly TerminalLog terminal;
    private readonly Logger log;
    private readonly Signals signals;

    /// <param name="options">The common options.</param>
    /// <param name="assemble">Creates the runs.</param>
    /// <param name="streams">Standard output and standard error.</param>
    /// <param name="time">The clock.</param>
    /// <param name="signals">Interrupts the command.</param>
    public Session(
        GlobalOptions options, Func<GlobalOptions, ILogger, CommandFactories> assemble, StandardStreams streams,
        TimeProvider time, Signals signals)
    {
        Options = options;
        Streams = streams;
        this.signals = signals;
        bool showsProgress = streams.ErrorWidth is not null && !options.IsQuiet && !options.IsJson;
        terminal = new TerminalLog(streams.Error, showsProgress, time, () => streams.ErrorWidth);
        LogEventLevel level = options.IsVerbose ? LogEventLevel.Debug
            : options.IsQuiet ? LogEventLevel.Warning : LogEventLevel.Information;
        log = new LoggerConfiguration().MinimumLevel.Is(level).WriteTo.Sink(terminal).CreateLogger();
        TextReports text = new(streams.Output, streams.Error, streams.OutputWidth, time);
        Reports = options.IsJson ? new JsonReports(streams.Output, options.Command, signals.Settle)
            : options.IsQuiet ? new QuietReports(text, streams.Output)
            : text;
        Runs = assemble(options, log);
    }

    public GlobalOptions Options { get; }

    public StandardStreams Streams { get; }

    public CommandFactories Runs { get; }

    public IReports Reports { get; }

    /// <summary>Cancelled by a signal.</summary>
    public CancellationToken CancellationToken => signals.Token;

    /// <summary>Displays the progress of a transfer.</summary>
    public IProgress<TransferProgress> Progress => terminal;

    /// <summary>Parses the reference to a backup.</summary>
    /// <exception cref="KvmBackupException">The name is empty, or the path is outside the backup directory.</exception>
    public BackupReference Find(string text)
    {
        BackupReference reference = BackupReference.Parse(text);
        return reference.BackupDirectory is { } there && Runs.BackupDirectoryPath() is var here && here != there
            ? throw new CliException(
                $"'{text}' is in '{there}', but the backup directory is '{here}': "
                + $"give --backupdir {ShellWord.Quote(there)}")
            : reference;
    }

    /// <summary>Prints a report and returns its exit code.</summary>
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
