using KvmBackup.Shell;
using Serilog;

namespace KvmBackup.Guarding;

/// <summary>Knows, where there is systemd, whether the host is about to shut down.</summary>
/// <param name="shell">Starts systemd's tools.</param>
/// <param name="time">The clock between two looks.</param>
/// <param name="log">Takes a warning when it happens.</param>
public sealed class HostShutdown(IShell shell, TimeProvider time, ILogger log)
{
    private const string SystemdIsRunning = "/run/systemd/system";
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // What logind says between the moment it was asked to shut down and the end of the delays.
    private static readonly ProgramCall Ask = new(
        "busctl",
        [
            "--system", "get-property", "org.freedesktop.login1", "/org/freedesktop/login1",
            "org.freedesktop.login1.Manager", "PreparingForShutdown",
        ])
    {
        Timeout = TimeSpan.FromSeconds(10),
    };

    /// <summary>Delays a shutdown until the scope is left, for as long as systemd lets itself be delayed. Never fails.</summary>
    /// <param name="cancellationToken">Becomes part of the scope's own.</param>
    public ShutdownDelay Delay(CancellationToken cancellationToken) => Directory.Exists(SystemdIsRunning)
        ? new ShutdownDelay(StartInhibitor(), WaitUntilBegunAsync, cancellationToken)
        : new ShutdownDelay(null, _ => Task.FromResult(false), cancellationToken);

    private static Companion? StartInhibitor()
    {
        try
        {
            // cat ends when its pipe closes, however this program ends; the inhibitor goes with it.
            return Companion.Start(new ProgramCall("systemd-inhibit",
            [
                "--what=shutdown:sleep", "--mode=delay", "--who=kvmbackup",
                "--why=a guest runs on a temporary overlay", "cat",
            ]));
        }
        catch (ShellException)
        {
            // systemd without its tool: nothing to delay with.
            return null;
        }
    }

    /// <returns>Whether it has begun; false when nobody can tell.</returns>
    private async Task<bool> WaitUntilBegunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (await shell.RunAsync(Ask, cancellationToken) is { IsSuccess: true } answer)
            {
                if (answer.StandardOutput.Trim() == "b true")
                {
                    log.Warning("The host is shutting down: the run ends now, and its guest goes back to its own disks first");
                    return true;
                }

                await Task.Delay(Interval, time, cancellationToken);
            }
        }
        catch (ShellException failure)
        {
            log.Debug("Whether the host shuts down is not known: {Message}", failure.Message);
        }

        return false;
    }
}
