using Serilog;

namespace KvmBackup.Reporting;

/// <summary>
/// The log of a recovery after a run was killed: the standard error of that run, if it is still open.
/// </summary>
public static class RecoveryLog
{
    public static ILogger Open(StandardStreams streams, TimeProvider time) => new LoggerConfiguration()
        .WriteTo.Sink(new TerminalLog(streams.Error, isTerminal: false, time))
        .CreateLogger();
}
