using KvmBackup.Shell;

namespace KvmBackup.Tests.Shell;

/// <summary>A program beside this one, which says that it is ready, and is told when all is well.</summary>
public sealed class HelperProcessTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task It_is_ready_when_it_says_so_and_not_before()
    {
        long start = TimeProvider.System.GetTimestamp();
        await using HelperProcess helper = Start("sleep 0.3; echo ready; read -r line");

        await helper.WaitUntilReadyAsync(Limit, CancellationToken.None);

        Assert.InRange(TimeProvider.System.GetElapsedTime(start), TimeSpan.FromSeconds(0.3), Limit);
    }

    [Theory]
    [InlineData("exit 1")]
    [InlineData("exec >&-; read -r line")]
    [InlineData("sleep 60")]
    public async Task One_that_does_not_say_so_is_told(string script)
    {
        await using HelperProcess helper = Start(script);

        ShellException failure = await Assert.ThrowsAsync<ShellException>(
            () => helper.WaitUntilReadyAsync(TimeSpan.FromSeconds(1), CancellationToken.None));

        Assert.Contains("is not ready", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_ended_early_does_not_spoil_the_end()
    {
        HelperProcess helper = Start("echo ready");
        await helper.WaitUntilReadyAsync(Limit, CancellationToken.None);
        await Task.Delay(TimeSpan.FromMilliseconds(200));

        Assert.Null(await Record.ExceptionAsync(() => helper.DisposeAsync().AsTask()));
    }

    private static HelperProcess Start(string script) => HelperProcess.Start(new ProgramCall("sh", ["-c", script]));
}
