using Serilog;

namespace KvmBackup.Cli;

/// <summary>
/// What the watcher of a run becomes when the run was killed: mends what it left. Apart from the other commands, since it must be
/// there quickly and needs none of their words.
/// </summary>
public static class WatchCommand
{
    public const string Name = "watch-run";
    private static readonly TimeSpan LockWait = TimeSpan.FromSeconds(30);

    /// <summary>The words that make this program mend.</summary>
    public static IReadOnlyList<string> Arguments(GlobalOptions options) =>
        [Name, Path.GetFullPath(options.ConfigurationPath), options.ConnectUri ?? string.Empty];

    /// <param name="arguments">Those of <see cref="Arguments"/>.</param>
    /// <param name="assemble">Makes the rooms.</param>
    /// <param name="log">Takes what the recovery tells.</param>
    public static async Task<ExitCode> RunAsync(
        string[] arguments, Func<GlobalOptions, ILogger, CommandFactories> assemble, ILogger log)
    {
        using Signals ignored = new();
        GlobalOptions options = new(
            arguments[1], null, arguments[2].Length > 0 ? arguments[2] : null, false, false, false, LockWait);
        log.Warning("A run was killed; mending what it left");
        try
        {
            RecoveryReport report = await assemble(options, log).Recover().RunAsync(LockWait, CancellationToken.None);
            return report.ExitCode;
        }
        catch (Exception failure)
        {
            // The journal stays, and the next run goes on from it.
            log.Error("{Message}", Failure.Describe(failure));
            return failure is KvmBackupException expected ? expected.ExitCode : ExitCode.Failed;
        }
    }
}
