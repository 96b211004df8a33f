using KvmBackup.Guarding;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Guarding;

public sealed class DeadMansSwitchTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task The_watcher_is_told_a_word_when_all_went_well()
    {
        await using (DeadMansSwitch armed = await ArmAsync(
            "echo standing by; if read word; then echo \"told $word\" >\"$1\"; else echo closed >\"$1\"; fi"))
        {
            Assert.True(armed.IsReady);
            Assert.False(File.Exists(Told));
        }

        Assert.Equal("told done\n", File.ReadAllText(Told));
    }

    [Fact]
    public async Task The_run_begins_when_the_watcher_stands_by_and_not_before()
    {
        await using DeadMansSwitch armed = await ArmAsync("sleep 0.3; echo ready >\"$1\"; echo standing by; read word");

        Assert.Equal("ready\n", File.ReadAllText(Told));
    }

    [Theory]
    [InlineData("exit 1")]
    [InlineData("exec >&-; read word")]
    public async Task A_watcher_that_does_not_stand_by_is_done_without(string script)
    {
        await using DeadMansSwitch armed = await ArmAsync(script);

        Assert.False(armed.IsReady);
    }

    [Fact]
    public async Task A_watcher_that_cannot_be_started_is_done_without()
    {
        await using DeadMansSwitch armed = DeadMansSwitch.Arm(new WatchCall("/absent/program", []), Logger.None);

        await armed.WaitUntilReadyAsync(CancellationToken.None);

        Assert.False(armed.IsReady);
    }

    [Fact]
    public async Task A_watcher_that_ended_early_does_not_spoil_the_end_of_the_run()
    {
        DeadMansSwitch armed = await ArmAsync("echo standing by");
        await Task.Delay(TimeSpan.FromMilliseconds(200));

        await armed.DisposeAsync();
    }

    private string Told => folder.PathOf("told");

    private async Task<DeadMansSwitch> ArmAsync(string script)
    {
        string filePath = folder.PathOf("watcher.sh");
        File.WriteAllText(filePath, script);
        DeadMansSwitch armed = DeadMansSwitch.Arm(new WatchCall("sh", [filePath, Told]), Logger.None);
        await armed.WaitUntilReadyAsync(CancellationToken.None);
        return armed;
    }
}
