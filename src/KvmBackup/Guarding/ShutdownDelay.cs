using KvmBackup.Shell;

namespace KvmBackup.Guarding;

/// <summary>
/// Delays a shutdown of the host while an overlay is open, where there is systemd: long enough for the run, which gets
/// its SIGTERM then, to put the guests back.
/// </summary>
public sealed class ShutdownDelay : IAsyncDisposable
{
    private const string SystemdIsRunning = "/run/systemd/system";
    private readonly Companion? companion;

    private ShutdownDelay(Companion? companion) => this.companion = companion;

    /// <summary>Never fails: a host without systemd shuts down as it always did.</summary>
    public static ShutdownDelay Begin()
    {
        if (!Directory.Exists(SystemdIsRunning))
        {
            return new ShutdownDelay(null);
        }

        try
        {
            // cat ends when its pipe closes, however this program ends; the inhibitor goes with it.
            return new ShutdownDelay(Companion.Start(new ProgramCall("systemd-inhibit",
            [
                "--what=shutdown:sleep", "--mode=delay", "--who=kvmbackup",
                "--why=a guest runs on a temporary overlay", "cat",
            ])));
        }
        catch (ShellException)
        {
            // systemd without its tool: nothing to delay with.
            return new ShutdownDelay(null);
        }
    }

    public ValueTask DisposeAsync() => companion?.DisposeAsync() ?? ValueTask.CompletedTask;
}
