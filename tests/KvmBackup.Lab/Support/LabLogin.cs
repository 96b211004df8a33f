namespace KvmBackup.Lab.Support;

/// <summary>
/// systemd's login manager on a D-Bus of the lab, with the part of systemd that it requires for a shutdown.
/// </summary>
public sealed class LabLogin : IAsyncDisposable
{
    private const string SystemdPath = "/run/systemd";
    private const string Script = """
        #!/bin/bash
        echo "${0##*/} $*" >>"${0%/*}/calls"
        exec "/usr/bin/${0##*/}" "$@"
        """;

    private readonly string path = LabEnvironment.NewDirectory("login");
    private readonly RunningProgram bus;
    private readonly RunningProgram manager;
    private readonly LabSystemd systemd;

    private LabLogin(RunningProgram bus, RunningProgram manager, LabSystemd systemd) =>
        (this.bus, this.manager, this.systemd) = (bus, manager, systemd);

    /// <summary>The calls of systemd's tools by the program under test.</summary>
    public IReadOnlyList<string> Calls =>
        File.Exists(Path.Combine(path, "calls")) ? File.ReadAllLines(Path.Combine(path, "calls")) : [];

    /// <summary>For the program under test.</summary>
    public IReadOnlyDictionary<string, string> Variables =>
        new Dictionary<string, string> { ["PATH"] = $"{path}:{Environment.GetEnvironmentVariable("PATH")}" };

    /// <summary>Starts both, and makes the host appear to be booted by systemd.</summary>
    public static async Task<LabLogin> StartAsync()
    {
        Directory.CreateDirectory("/run/dbus");
        foreach (string folder in new[] { "system", "seats", "users", "sessions", "inhibit" })
        {
            Directory.CreateDirectory(Path.Combine(SystemdPath, folder));
        }

        RunningProgram bus = RunningProgram.Start("dbus-daemon", ["--system", "--nofork", "--nopidfile"]);
        await WaitUntilAsync(
            async () => (await RunningProgram.RunAsync("busctl", "--system", "--no-pager", "list")).ExitCode == 0, bus);
        RunningProgram manager = RunningProgram.Start("/lib/systemd/systemd-logind", []);
        await WaitUntilAsync(async () => (await InhibitorsAsync()).ExitCode == 0, manager);
        LabLogin login = new(bus, manager, await LabSystemd.StartAsync());
        foreach (string tool in new[] { "busctl", "systemd-inhibit" })
        {
            string file = Path.Combine(login.path, tool);
            await File.WriteAllTextAsync(file, Script + "\n");
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        return login;
    }

    /// <summary>The inhibitors of a shutdown.</summary>
    public static Task<Outcome> InhibitorsAsync() =>
        RunningProgram.RunAsync("systemd-inhibit", "--list", "--no-legend");

    /// <summary>Begins a shutdown, which waits for its inhibitors.</summary>
    public static async Task BeginShutdownAsync() => (await RunningProgram.RunAsync(
        "busctl", "--system", "call", "org.freedesktop.login1", "/org/freedesktop/login1",
        "org.freedesktop.login1.Manager",
        "PowerOff", "b", "false")).MustSucceed();

    public async ValueTask DisposeAsync()
    {
        systemd.Dispose();
        await manager.DisposeAsync();
        await bus.DisposeAsync();
        Directory.Delete(SystemdPath, recursive: true);
    }

    private static async Task WaitUntilAsync(Func<Task<bool>> isSo, RunningProgram program)
    {
        for (int tries = 0; !await isSo(); tries++)
        {
            Assert.True(tries < 100, $"It does not start:\n{program.ErrorSoFar}");
            await Task.Delay(100);
        }
    }
}
