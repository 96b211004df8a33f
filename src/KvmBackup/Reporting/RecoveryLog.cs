using Serilog;

namespace KvmBackup.Reporting;

/// <summary>
/// The log of a recovery that nobody watches: standard error, which the killed run may have left open, for as long as
/// somebody reads it.
/// </summary>
public static class RecoveryLog
{
    public static ILogger Open(StandardStreams streams, TimeProvider time) => new LoggerConfiguration()
        .WriteTo.Sink(new TerminalLog(streams.Error, isTerminal: false, time))
        .CreateLogger();
}
