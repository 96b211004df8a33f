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
    public async Task A_run_that_ends_well_calls_nobody()
    {
        await using (RecoveryWatcher armed = RecoveryWatcher.Arm(new WatcherCommand("touch", [Reported]), Logger.None))
        {
            await armed.WaitUntilReadyAsync(CancellationToken.None);
            Assert.True(armed.IsReady);
        }

        Assert.False(File.Exists(Reported));
    }

    [Fact]
    public async Task A_watcher_that_is_told_a_word_ends()
    {
        using MemoryStream output = new();

        ProgramResult result = await RealShell.FilterAsync(
            RecoveryWatcher.Call(new WatcherCommand("touch", [Reported])), "done\n"u8.ToArray(), output, CancellationToken.None);

        Assert.Equal((0, "ready\n"), (result.ExitCode, Encoding.UTF8.GetString(output.ToArray())));
        Assert.False(File.Exists(Reported));
    }

    [Fact]
    public async Task A_watcher_whose_pipe_closes_without_a_word_becomes_the_recovery_with_all_its_words_as_they_are()
    {
        WatcherCommand watch = new("printf", ["<%s>", "watch-run", "a b; exit $(c)", "", "$0 \"'"]);

        ProgramResult result = await RealShell.RunAsync(RecoveryWatcher.Call(watch), CancellationToken.None);

        Assert.Equal("ready\n<watch-run><a b; exit $(c)><><$0 \"'>", result.StandardOutput);
    }

    [Fact]
    public async Task A_recovery_that_is_not_there_is_found_before_anything_is_changed()
    {
        await using RecoveryWatcher armed = RecoveryWatcher.Arm(new WatcherCommand("/absent/program", []), Logger.None);

        await armed.WaitUntilReadyAsync(CancellationToken.None);

        Assert.False(armed.IsReady);
    }

    [Fact]
    public async Task A_watcher_lets_neither_a_terminal_nor_a_shutdown_end_it()
    {
        // It becomes a program that sends itself what a closed terminal, Ctrl-C and a shutdown send, and lives on.
        WatcherCommand watch = new("sh", ["-c", "for signal in HUP INT QUIT TERM; do kill -s $signal $$; done; echo alive"]);

        ProgramResult result = await RealShell.RunAsync(RecoveryWatcher.Call(watch), CancellationToken.None);

        Assert.Equal("ready\nalive\n", result.StandardOutput);
    }

    private string Reported => folder.PathOf("told");
}
