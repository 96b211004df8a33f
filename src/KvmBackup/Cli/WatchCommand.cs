using KvmBackup.Model;
using Serilog;

namespace KvmBackup.Cli;

/// <summary>
/// The watcher's side of the dead man's switch: waits for the end of a run, and mends what it left if it was killed. Apart
/// from the other commands, since it must be there quickly and needs none of their words.
/// </summary>
public static class WatchCommand
{
    public const string Name = "watch-run";
    private static readonly TimeSpan LockWait = TimeSpan.FromSeconds(30);

    /// <summary>The words that make this program watch.</summary>
    public static IReadOnlyList<string> Arguments(GlobalOptions options) =>
        [Name, Path.GetFullPath(options.ConfigurationPath), options.ConnectUri ?? string.Empty];

    /// <param name="arguments">Those of <see cref="Arguments"/>.</param>
    /// <param name="leaveSession">Leaves the terminal and process group of the run.</param>
    /// <param name="assemble">Makes the rooms.</param>
    /// <param name="log">Takes what the recovery tells.</param>
    public static async Task<ExitCode> RunAsync(
        string[] arguments, Action leaveSession, Func<GlobalOptions, ILogger, RunSet> assemble, ILogger log)
    {
        using Signals ignored = new();
        leaveSession();
        GlobalOptions options = new(
            arguments[1], null, arguments[2].Length > 0 ? arguments[2] : null, false, false, false, LockWait);
        await Console.Out.WriteLineAsync("standing by");
        if (await Console.In.ReadLineAsync() is not null)
        {
            return ExitCode.Done;
        }

        log.Warning("A run was killed; mending what it left");
        try
        {
            RecoveryReport report = await assemble(options, log).Recover().RunAsync(LockWait, CancellationToken.None);
            return report.ExitCode;
        }
        catch (KvmBackupException failure)
        {
            // The journal stays, and the next run goes on from it.
            log.Error("{Message}", failure.Message);
            return failure.ExitCode;
        }
    }
}
