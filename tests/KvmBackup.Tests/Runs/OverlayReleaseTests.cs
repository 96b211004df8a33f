using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Model;
using KvmBackup.Runs;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Runs;

public sealed class OverlayReleaseTests
{
    private const string NotRunning = "error: Requested operation is not valid: domain is not running";
    private readonly RecordedShell shell = new RecordedShell().Now("pinned/dumpxml", "pinned/dumpxml-inactive", "shut-off/dominfo")
        .On("dumpxml --security-info --inactive", Reply.Of("pinned/dumpxml-inactive"), Reply.Of("pinned/dumpxml-inactive"));

    [Fact]
    public async Task A_guest_that_was_shut_off_is_committed_offline_and_put_back()
    {
        shell.On("blockcommit", Reply.Bad(NotRunning))
            .On("qemu-img commit", Reply.Good("Image committed."))
            .On("define", Reply.Good("Domain defined").Then(HaveReleased));

        await ReleaseAsync();

        Assert.Equal(["blockcommit", "qemu-img commit", "define"], shell.Order("blockcommit", "qemu-img commit", "define"));
        Assert.Equal(
            ["commit", "-f", "qcow2", "-b", Web1.VdaOverlay.BasePath, Web1.VdaOverlay.OverlayPath],
            shell.Calls.Single(call => call.Program == "qemu-img").Arguments);
    }

    [Fact]
    public async Task A_guest_that_starts_before_its_definition_is_put_back_is_committed_as_a_running_one()
    {
        // It started on its overlay, and its definition names the base: left so, its next start would lose what it wrote.
        shell.On("blockcommit", Reply.Bad(NotRunning), Reply.Good("Active Block Commit started").Then(
                () => shell.Now("ready/dumpxml", "running/dominfo")))
            .On("qemu-img commit", Reply.Good("Image committed."))
            .On("define", Reply.Good("Domain defined").Then(() => shell.Now("half-released/dumpxml-inactive")))
            .On("--pivot", Reply.Good(string.Empty).Then(HaveReleased));

        await ReleaseAsync();

        Assert.Equal(
            ["blockcommit", "define", "blockcommit", "--pivot"], shell.Order("blockcommit", "define", "--pivot"));
    }

    [Fact]
    public async Task A_guest_that_holds_its_images_again_is_committed_as_a_running_one()
    {
        shell.On("blockcommit", Reply.Bad(NotRunning), Reply.Good("Active Block Commit started").Then(
                () => shell.Now("ready/dumpxml")))
            .On("qemu-img commit", Reply.Bad("qemu-img: Failed to get \"write\" lock"))
            .On("--pivot", Reply.Good(string.Empty).Then(HaveReleased));

        await ReleaseAsync();

        Assert.Equal(0, shell.Count("define"));
    }

    [Fact]
    public async Task A_commit_that_fails_every_time_keeps_the_overlay_and_the_definition()
    {
        shell.On("blockcommit", [.. Enumerable.Repeat(NotRunning, 9).Select(text => Reply.Bad(text))])
            .On("qemu-img commit", [.. Enumerable.Repeat("qemu-img: No space left", 9).Select(text => Reply.Bad(text))]);

        DisksException failure = await Assert.ThrowsAsync<DisksException>(ReleaseAsync);

        Assert.Contains("No space left", failure.Message, StringComparison.Ordinal);
        Assert.Equal(0, shell.Count("define"));
        Assert.Equal(3, shell.Count("qemu-img commit"));
    }

    private void HaveReleased() => shell.Now("released/dumpxml", "released/dumpxml-inactive");

    private async Task ReleaseAsync()
    {
        Virsh virsh = new(shell, null);
        OverlayCommit commit = new(virsh, new LibvirtHost(virsh), new ImpatientTime(), Logger.None);
        await new OverlayRelease(commit, new DomainDefiner(virsh), new QemuImage(shell), Logger.None).ReleaseAsync(
            await Web1.DescribeAsync(), Web1.VdaOverlay, null, TimeSpan.FromMinutes(30));
    }
}
