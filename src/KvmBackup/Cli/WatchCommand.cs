using Serilog;

namespace KvmBackup.Cli;

/// <summary>
/// The command that the watcher of a run becomes after the run is killed: it recovers what the run left. It is not one
/// of the other commands, since it must start quickly and requires none of their options.
/// </summary>
public static class WatchCommand
{
    public const string Name = "watch-run";
    private static readonly TimeSpan LockWait = TimeSpan.FromSeconds(30);

    /// <summary>The arguments with which the watcher starts this program.</summary>
    public static IReadOnlyList<string> Arguments(GlobalOptions options) =>
        [Name, Path.GetFullPath(options.ConfigurationPath), options.ConnectUri ?? string.Empty];

    /// <param name="arguments">Those of <see cref="Arguments"/>.</param>
    /// <param name="assemble">Creates the runs.</param>
    /// <param name="log">The log of the recovery.</param>
    public static async Task<ExitCode> RunAsync(
        string[] arguments, Func<GlobalOptions, ILogger, CommandFactories> assemble, ILogger log)
    {
        using Signals ignored = new();
        GlobalOptions options = new(
            arguments[1], null, arguments[2].Length > 0 ? arguments[2] : null, false, false, false, LockWait);
        log.Warning("A run was killed; recovering what it left");
        try
        {
            RecoveryReport report = await assemble(options, log).Recover().RunAsync(LockWait, CancellationToken.None);
            return report.ExitCode;
        }
        catch (Exception failure)
        {
            // The journal stays; the next run continues from it.
            log.Error("{Message}", Failure.Describe(failure));
            return failure is KvmBackupException expected ? expected.ExitCode : ExitCode.Failed;
        }
    }
}
