using KvmBackup.Cli;
using KvmBackup.Composition;
using KvmBackup.Reporting;
using KvmBackup.Shell;
using Serilog;

namespace KvmBackup;

/// <summary>Starts the command line, or the recovery of a killed run.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        // First, and without the console: with very few files not even the program's own libraries can be opened.
        DescriptorLimit.Raise();
        return arguments is [WatchCommand.Name, _, _] ? Watch(arguments)
            : DescriptorLimit.IsEnough() ? Run(arguments)
            : (int)ExitCode.Usage;
    }

    private static int Watch(string[] arguments)
    {
        ILogger log = RecoveryLog.Open(OpenStreams(), TimeProvider.System);
        return (int)WatchCommand.RunAsync(arguments, Compose, log).GetAwaiter().GetResult();
    }

    private static int Run(string[] arguments) =>
        (int)new CommandLine(Compose, OpenStreams(), TimeProvider.System).RunAsync(arguments).GetAwaiter().GetResult();

    private static StandardStreams OpenStreams()
    {
        StandardStreams streams = StandardStreams.Open();
        AppDomain.CurrentDomain.UnhandledException +=
            (_, failure) => Complain(streams, (Exception)failure.ExceptionObject);
        return streams;
    }

    /// <summary>Without a core dump; the watcher puts the guest back, as after a kill.</summary>
    private static void Complain(StandardStreams streams, Exception failure)
    {
        foreach (string line in CommandLine.Describe(failure, isVerbose: false).Split('\n'))
        {
            streams.Error.WriteLine($"kvmbackup: {PlainText.Line(line)}");
        }

        Environment.Exit((int)ExitCode.Failed);
    }

    private static CommandFactories Compose(GlobalOptions options, ILogger log) =>
        Commands.Compose(options, TimeProvider.System, log);
}
