using System.Text;
using KvmBackup.Guarding;
using KvmBackup.Shell;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Guarding;

public sealed class RecoveryWatcherTests : IDisposable
{
    private static readonly ProcessRunner RealShell = new(Logger.None, TimeProvider.System);
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_run_that_ends_normally_starts_no_recovery()
    {
        await using (RecoveryWatcher armed = RecoveryWatcher.Arm(new WatcherCommand("touch", [Reported]), Logger.None))
        {
            await armed.WaitUntilReadyAsync(CancellationToken.None);
            Assert.True(armed.IsReady);
        }

        Assert.False(File.Exists(Reported));
    }

    [Fact]
    public async Task A_watcher_exits_after_a_line()
    {
        using MemoryStream output = new();

        ProgramResult result = await RealShell.FilterAsync(
            RecoveryWatcher.Call(new WatcherCommand("touch", [Reported])),
            "done\n"u8.ToArray(), output, CancellationToken.None);

        Assert.Equal((0, "ready\n"), (result.ExitCode, Encoding.UTF8.GetString(output.ToArray())));
        Assert.False(File.Exists(Reported));
    }

    [Fact]
    public async Task A_watcher_whose_pipe_closes_without_a_line_becomes_the_recovery_with_unchanged_arguments()
    {
        WatcherCommand watch = new("printf", ["<%s>", "watch-run", "a b; exit $(c)", "", "$0 \"'"]);

        ProgramResult result = await RealShell.RunAsync(RecoveryWatcher.Call(watch), CancellationToken.None);

        Assert.Equal("ready\n<watch-run><a b; exit $(c)><><$0 \"'>", result.StandardOutput);
    }

    [Fact]
    public async Task A_missing_recovery_program_is_reported_before_anything_is_changed()
    {
        await using RecoveryWatcher armed = RecoveryWatcher.Arm(new WatcherCommand("/absent/program", []), Logger.None);

        await armed.WaitUntilReadyAsync(CancellationToken.None);

        Assert.False(armed.IsReady);
    }

    [Fact]
    public async Task A_watcher_ignores_the_signals_of_a_terminal_and_of_a_shutdown()
    {
        // It becomes a program that sends itself the signals of a closed terminal, Ctrl-C and a shutdown, and survives.
        WatcherCommand watch = new("sh", ["-c", "for signal in HUP INT QUIT TERM; do kill -s $signal $$; done; echo "
            + "alive"]);

        ProgramResult result = await RealShell.RunAsync(RecoveryWatcher.Call(watch), CancellationToken.None);

        Assert.Equal("ready\nalive\n", result.StandardOutput);
    }

    private string Reported => folder.PathOf("reported");
}
