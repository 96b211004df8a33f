using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>A cluster that stops answering: no guest stays frozen or on an overlay, and nothing is left in the
/// cluster.</summary>
[Trait("Needs", "Ceph")]
public sealed class HungClusterTests
{
    private const string Keys = "rotate: 30, quiesce: require, full_every: 30, freeze_timeout: 5s, stall_timeout: 5s";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    // Longer than the freeze may last.
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(7);

    // QEMU drains all disks at each pivot, so a guest whose own disk hangs stays on its overlay until that disk
    // continues: the test uses a cluster that hangs before, during and after the reads of files.
    [LabFact]
    public async Task A_hanging_cluster_is_reported_and_blocks_no_guest()
    {
        LabRbdImage image = new("hung");
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("hung-cluster")
        {
            Disks = [new LabDisk("vda"), new LabDisk("vdb") { Rbd = image }],
        });
        BackupSite site = new((guest.Name, Keys));
        (await site.RunAsync("run")).MustSucceed();
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);
        foreach ((string step, int exitCode, string printed) in new[]
        {
            ("", 1, "cluster cannot be reached or is too slow"),
            ("Frozen", 1, "Taking the snapshot"),
            ("Released:vda", 1, "cluster cannot be reached or is too slow"),
            ("Published", 0, "old snapshots may be left in the cluster"),
        })
        {
            string earlier = string.Join('\n', site.BackupDirectories(guest.Name).Select(Folder.Describe));
            Outcome outcome = await RunWhileHangingAsync(site, step);
            Assert.True(outcome.ExitCode == exitCode,
                $"{step}: exit code {outcome.ExitCode}\n{outcome.Output}\n{outcome.Error}");
            Assert.Contains(printed, outcome.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("the target took no data", outcome.Output, StringComparison.Ordinal);

            await before.AssertUnchangedAsync(site);
            Assert.StartsWith(
                earlier, string.Join('\n', site.BackupDirectories(guest.Name).Select(Folder.Describe)),
                StringComparison.Ordinal);
            (await site.RunAsync("run")).MustSucceed();
            (await site.RunAsync("verify", guest.Name)).MustSucceed();
            LabRbdSnapshot left = Assert.Single(await LabCeph.SnapshotsAsync(image));
            Assert.Contains(
                left.Name,
                await File.ReadAllTextAsync(Path.Combine(site.BackupDirectories(guest.Name)[^1], "manifest.json")),
                StringComparison.Ordinal);
        }
    }

    private static async Task<Outcome> RunWhileHangingAsync(BackupSite site, string step)
    {
        Outcome? outcome = null;
        await using RunningProgram? paused = step.Length == 0 ? null
            : await PausedProgram.StartAsync(site, step, "run");
        await LabCeph.WhilePausedAsync(async () =>
        {
            await (paused?.SignalAsync("CONT") ?? Task.CompletedTask);
            if (step == "Frozen")
            {
                // The guest cannot thaw while its own disk hangs; the run must only not wait longer than the limit.
                await Task.Delay(Moment);
                return;
            }

            outcome = paused is null ? await site.RunAsync("run") : await paused.WaitAsync(Limit);
            _ = outcome.ExitCode == 0 ? [] : await new TypedAdvice(site).TypeAsync(outcome.Output, "ceph ");
        });
        outcome ??= await paused!.WaitAsync(Limit);
        return outcome;
    }
}
