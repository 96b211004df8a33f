using Microsoft.Win32.SafeHandles;
using Serilog;

namespace KvmBackup.Guarding;

/// <summary>Detects and delays a shutdown of the host, where systemd is running.</summary>
/// <param name="log">Receives a warning on a shutdown, and the reason when a shutdown cannot be detected.</param>
public sealed class HostShutdown(ILogger log)
{
    private const string SystemdDirectory = "/run/systemd/system";

    /// <summary>Delays a shutdown until the scope is left, up to systemd's own limit. Never fails.</summary>
    /// <param name="cancellationToken">Is linked to the scope's token.</param>
    public ShutdownDelay Delay(CancellationToken cancellationToken) =>
        new(Directory.Exists(SystemdDirectory) ? Watch : null, cancellationToken);

    /// <summary>Holds the inhibitor until the end of the scope, and reports a shutdown that begins before.</summary>
    private void Watch(Action reportShutdown, CancellationToken scopeEnded)
    {
        try
        {
            using LoginManager manager = LoginManager.Connect();
            using SafeFileHandle? inhibitor = TryInhibit(manager);
            if (manager.WaitForShutdown(scopeEnded))
            {
                log.Warning(
                    "The host is shutting down: the run is aborted after the guest is moved back to its own disks");
                reportShutdown();
                _ = scopeEnded.WaitHandle.WaitOne();
            }
        }
        catch (GuardingException failure)
        {
            log.Information("A shutdown of the host cannot be detected: {Message}", failure.Message);
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
