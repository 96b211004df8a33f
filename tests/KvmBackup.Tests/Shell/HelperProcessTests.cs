using KvmBackup.Shell;

namespace KvmBackup.Tests.Shell;

/// <summary>A helper program that reports that it is ready, and receives a line at a normal end.</summary>
public sealed class HelperProcessTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_helper_is_ready_after_its_first_line_and_not_before()
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
    public async Task A_helper_that_is_not_ready_is_reported(string script)
    {
        await using HelperProcess helper = Start(script);

        ShellException failure = await Assert.ThrowsAsync<ShellException>(
            () => helper.WaitUntilReadyAsync(TimeSpan.FromSeconds(1), CancellationToken.None));

        Assert.Contains("is not ready", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_helper_that_ended_early_does_not_fail_the_dispose()
    {
        HelperProcess helper = Start("echo ready");
        await helper.WaitUntilReadyAsync(Limit, CancellationToken.None);
        await Task.Delay(TimeSpan.FromMilliseconds(200));

        Assert.Null(await Record.ExceptionAsync(() => helper.DisposeAsync().AsTask()));
    }

    private static HelperProcess Start(string script) => HelperProcess.Start(new ProgramCall("sh", ["-c", script]));
}
