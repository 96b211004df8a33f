namespace KvmBackup.Lab.Support;

/// <summary>
/// systemd's own login manager on a bus of the lab's. It cannot be told to shut down without systemd itself, so of its answers
/// the one word is changed that tells of a shutdown.
/// </summary>
public sealed class LabLogin : IAsyncDisposable
{
    private const string SystemdPath = "/run/systemd";
    private const string Script = """
        #!/bin/bash
        real=/usr/bin/busctl
        if [[ -e ${0%/*}/begun ]]; then "$real" "$@" | sed s/false/true/; else exec "$real" "$@"; fi
        """;

    private readonly string path = LabEnvironment.NewDirectory("login");
    private readonly RunningProgram bus;
    private readonly RunningProgram manager;

    private LabLogin(RunningProgram bus, RunningProgram manager) => (this.bus, this.manager) = (bus, manager);

    /// <summary>For the program under test.</summary>
    public IReadOnlyDictionary<string, string> Variables =>
        new Dictionary<string, string> { ["PATH"] = $"{path}:{Environment.GetEnvironmentVariable("PATH")}" };

    /// <summary>Starts both, and makes the host look as if systemd had booted it.</summary>
    public static async Task<LabLogin> StartAsync()
    {
        Directory.CreateDirectory("/run/dbus");
        foreach (string folder in new[] { "system", "seats", "users", "sessions", "inhibit" })
        {
            Directory.CreateDirectory(Path.Combine(SystemdPath, folder));
        }

        RunningProgram bus = RunningProgram.Start("dbus-daemon", ["--system", "--nofork", "--nopidfile"]);
        await WaitUntilAsync(async () => (await RunningProgram.RunAsync("busctl", "--system", "--no-pager", "list")).ExitCode == 0, bus);
        RunningProgram manager = RunningProgram.Start("/lib/systemd/systemd-logind", []);
        await WaitUntilAsync(async () => (await InhibitorsAsync()).ExitCode == 0, manager);
        LabLogin login = new(bus, manager);
        string busctl = Path.Combine(login.path, "busctl");
        await File.WriteAllTextAsync(busctl, Script + "\n");
        File.SetUnixFileMode(busctl, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return login;
    }

    /// <summary>Who delays a shutdown.</summary>
    public static Task<Outcome> InhibitorsAsync() => RunningProgram.RunAsync("systemd-inhibit", "--list", "--no-legend");

    /// <summary>From now on a shutdown has begun.</summary>
    public void AnnounceShutdown() => File.WriteAllText(Path.Combine(path, "begun"), "");

    public async ValueTask DisposeAsync()
    {
        await manager.DisposeAsync();
        await bus.DisposeAsync();
        Directory.Delete(SystemdPath, recursive: true);
    }

    private static async Task WaitUntilAsync(Func<Task<bool>> isSo, RunningProgram program)
    {
        for (int tries = 0; !await isSo(); tries++)
        {
            Assert.True(tries < 100, $"It does not come up:\n{program.ErrorSoFar}");
            await Task.Delay(100);
        }
    }
}
