using System.Diagnostics;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>The lab distinguishes a consistent copy from a torn one, and its agents misbehave as configured.</summary>
public sealed class LabFreezeTests
{
    [LabFact]
    public async Task A_copy_at_a_snapshot_in_a_freeze_contains_a_complete_pair()
    {
        await using LabGuest guest = await StartPairAsync();

        await Virsh.RunAsync("domfsfreeze", guest.Name);
        await PinAsync(guest);
        await Virsh.RunAsync("domfsthaw", guest.Name);
        (string First, string Second) pair = await ReadPinnedPairAsync(guest);
        await ReleaseAsync(guest);

        Assert.Equal(pair.First, pair.Second);
        Assert.Equal(10, pair.First.Length);
        await AssertWritesGoOnAsync(guest);
    }

    [LabFact]
    public async Task Copies_at_a_snapshot_without_a_freeze_contain_torn_pairs()
    {
        await using LabGuest guest = await StartPairAsync();
        int torn = 0;

        // Each copy is torn with a probability of 2/3: eight complete ones in a row occur once in 6,000 runs.
        for (int round = 0; round < 8 && torn == 0; round++)
        {
            await PinAsync(guest);
            (string first, string second) = await ReadPinnedPairAsync(guest);
            torn += first == second ? 0 : 1;
            await ReleaseAsync(guest);
        }

        Assert.Equal(1, torn);
    }

    [LabFact]
    public async Task A_refusing_agent_fails_the_freeze_and_the_guest_continues()
    {
        await using LabGuest guest = await LabGuest.StartAsync(
            new LabGuestSpecification("refuse") { Agent = LabAgent.Refuse });

        Outcome freeze = await Virsh.TryAsync("domfsfreeze", guest.Name);

        Assert.Equal(1, freeze.ExitCode);
        Assert.Contains("fsfreeze hook has failed", freeze.Error, StringComparison.Ordinal);
        await AssertWritesGoOnAsync(guest);
    }

    [LabFact]
    public async Task A_hung_agent_never_answers_a_freeze()
    {
        await using LabGuest guest = await LabGuest.StartAsync(
            new LabGuestSpecification("hang") { Agent = LabAgent.Hang });
        Stopwatch clock = Stopwatch.StartNew();

        Outcome freeze = await Virsh.TryAsync("domfsfreeze", guest.Name);

        Assert.Equal(1, freeze.ExitCode);
        Assert.True(clock.Elapsed > TimeSpan.FromSeconds(4), "libvirt waits 5 s for the first answer of an agent");
        await AssertWritesGoOnAsync(guest);
    }

    [LabFact]
    public async Task A_stalled_agent_answers_until_a_freeze()
    {
        await using LabGuest guest = await LabGuest.StartAsync(
            new LabGuestSpecification("stall") { Agent = LabAgent.Stall });

        await using RunningProgram freeze = RunningProgram.Start(
            "virsh", ["--connect", "qemu:///system", "domfsfreeze", guest.Name]);

        await Assert.ThrowsAsync<TimeoutException>(() => freeze.WaitAsync(TimeSpan.FromSeconds(8)));
        await AssertWritesGoOnAsync(guest);
    }

    [LabFact]
    public async Task A_guest_without_agent_refuses_a_freeze_at_once()
    {
        await using LabGuest guest = await LabGuest.StartAsync(
            new LabGuestSpecification("none") { Agent = LabAgent.None });

        Outcome freeze = await Virsh.TryAsync("domfsfreeze", guest.Name);

        Assert.Equal(1, freeze.ExitCode);
        Assert.Contains("QEMU guest agent is not configured", freeze.Error, StringComparison.Ordinal);
    }

    private static async Task<LabGuest> StartPairAsync()
    {
        LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("pair")
        {
            Disks = [new LabDisk("vda") { Format = "raw" }, new LabDisk("vdb") { Format = "raw" }],
            PairDisks = ("vda", "vdb"),
        });
        await guest.WaitForPairAsync();
        return guest;
    }

    private static async Task PinAsync(LabGuest guest) =>
        await Virsh.RunAsync("snapshot-create-as", guest.Name, "--disk-only", "--atomic", "--no-metadata", "lab");

    /// <summary>Reads both halves from the bases on the host, after a replay of the journals as at a boot.</summary>
    private static async Task<(string First, string Second)> ReadPinnedPairAsync(LabGuest guest)
    {
        return (await ReadAsync("vda.raw", "pair.a"), await ReadAsync("vdb.raw", "pair.b"));

        async Task<string> ReadAsync(string image, string file)
        {
            string copy = Path.Combine(LabEnvironment.NewDirectory("pinned"), image);
            (await RunningProgram.RunAsync("cp", Path.Combine(guest.DirectoryPath!, image), copy)).MustSucceed();
            string content = await LabImage.ReadFileAsync(copy, file);
            File.Delete(copy);
            return content;
        }
    }

    private static async Task ReleaseAsync(LabGuest guest)
    {
        foreach (string target in new[] { "vda", "vdb" })
        {
            string overlay = await guest.SourceOfAsync(target);
            await Virsh.RunAsync("blockcommit", guest.Name, target, "--active", "--pivot");
            Assert.EndsWith($"{target}.raw", await guest.SourceOfAsync(target), StringComparison.Ordinal);
            File.Delete(overlay);
        }
    }

    // The workload may not have written its first line yet.
    private static Task<string> AssertWritesGoOnAsync(LabGuest guest) => guest.RunAsync(
        "count() { cat /data/log 2>/dev/null | wc -l; }; before=$(count); "
            + "until [ $(count) -gt $before ]; do usleep 20000; done");
}
