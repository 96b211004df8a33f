using KvmBackup.Hypervisor;
using KvmBackup.Runs;
using KvmBackup.Runs.Guests;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Runs.Guests;

public sealed class GuestFreezeTests : IDisposable
{
    private static readonly Reply Windows = Reply.Good("""{"return":{"id":"mswindows","name":"Microsoft Windows"}}""");
    private readonly Web1Host host = new();

    public GuestFreezeTests() => host.Shell.Now("agent/thawed", "agent/osinfo", "agent/freeze", "agent/thaw");

    public void Dispose() => host.Dispose();

    [Theory]
    [InlineData(true, 60, 8)]
    [InlineData(true, 10, 8)]
    [InlineData(true, 8, 8)]
    [InlineData(true, 5, 5)]
    [InlineData(false, 60, 60)]
    [InlineData(false, 5, 5)]
    public async Task The_freeze_limit_of_Windows_is_eight_seconds(bool isWindows, int setSeconds, int givenSeconds)
    {
        if (isWindows)
        {
            host.Shell.On("guest-get-osinfo", Windows);
        }

        FreezeCapability chance = await Freeze().PrepareAsync(await JobAsync(setSeconds), CancellationToken.None);

        Assert.Equal(new FreezeCapability(null, TimeSpan.FromSeconds(givenSeconds)), chance);
    }

    [Fact]
    public async Task An_agent_without_system_information_gets_the_configured_limit()
    {
        host.Shell.On(
            "guest-get-osinfo", Reply.Bad("error: internal error: The command guest-get-osinfo has not been found"));

        FreezeCapability chance = await Freeze().PrepareAsync(await JobAsync(20), CancellationToken.None);

        Assert.Equal(new FreezeCapability(null, TimeSpan.FromSeconds(20)), chance);
    }

    [Fact]
    public async Task The_limit_of_the_freeze_is_passed_to_libvirt()
    {
        host.Shell.On("guest-fsfreeze-freeze", Reply.Of("agent/freeze"));
        DomainJob job = await JobAsync(20);

        FreezeResult result =
            await Freeze().BeginAsync(job, new FreezeCapability(null, TimeSpan.FromSeconds(8)), CancellationToken.None);

        await using FrozenGuest guest = result.Guest!;
        Assert.Equal(["--timeout", "8"], host.Shell.Calls[^1].Arguments.SkipWhile(word => word != "--timeout").Take(2));
        Assert.Equal(0, host.Shell.Count("guest-fsfreeze-thaw"));
    }

    [Theory]
    [InlineData(QuiesceMode.Off)]
    [InlineData(QuiesceMode.Try)]
    [InlineData(QuiesceMode.Require)]
    public async Task A_guest_without_an_agent_channel_is_not_queried(QuiesceMode quiesce)
    {
        DomainJob job = await JobAsync(20);
        job = job with
        {
            Facts = job.Facts with { HasAgentChannel = false },
            Settings = job.Settings with { Quiesce = quiesce }
        };

        Task<FreezeCapability> prepare = Freeze().PrepareAsync(job, CancellationToken.None);

        if (quiesce == QuiesceMode.Require)
        {
            RunsException failure = await Assert.ThrowsAsync<RunsException>(() => prepare);
            Assert.Contains("no guest agent channel", failure.Message, StringComparison.Ordinal);
        }
        else
        {
            Assert.NotNull((await prepare).Obstacle);
        }

        Assert.Equal(0, host.Shell.Count("qemu-agent-command"));
    }

    private GuestFreeze Freeze() => new(host.Agent, Logger.None);

    private async Task<DomainJob> JobAsync(int seconds) => new(
        Web1.Settings with { FreezeTimeout = TimeSpan.FromSeconds(seconds) }, await host.DescribeAsync(), [], [], [], 0,
        []);
}
