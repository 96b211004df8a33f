using Microsoft.Win32.SafeHandles;
using Serilog;

namespace KvmBackup.Guarding;

/// <summary>Knows, where there is systemd, whether the host is about to shut down.</summary>
/// <param name="log">Takes a warning when it happens, and what is missing to know it.</param>
public sealed class HostShutdown(ILogger log)
{
    private const string SystemdIsRunning = "/run/systemd/system";

    /// <summary>Delays a shutdown until the scope is left, for as long as systemd lets itself be delayed. Never fails.</summary>
    /// <param name="cancellationToken">Becomes part of the scope's own.</param>
    public ShutdownDelay Delay(CancellationToken cancellationToken) =>
        new(Directory.Exists(SystemdIsRunning) ? Watch : null, cancellationToken);

    /// <summary>Holds the inhibitor until the scope is over, and reports a shutdown that begins before.</summary>
    private void Watch(Action reportShutdown, CancellationToken over)
    {
        try
        {
            using LoginManager manager = LoginManager.Connect();
            using SafeFileHandle? inhibitor = TryInhibit(manager);
            if (manager.WaitForShutdown(over))
            {
                log.Warning("The host is shutting down: the run ends now, and its guest goes back to its own disks first");
                reportShutdown();
                _ = over.WaitHandle.WaitOne();
            }
        }
        catch (GuardingException failure)
        {
            log.Information("A shutdown of the host will not be noticed: {Message}", failure.Message);
        }
    }

    private SafeFileHandle? TryInhibit(LoginManager manager)
    {
        try
        {
            return manager.Inhibit("a guest runs on a temporary overlay");
        }
        catch (GuardingException failure)
        {
            log.Information("A shutdown of the host cannot be delayed: {Message}", failure.Message);
            return null;
        }
    }
}
