using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Runs.Guests;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs.Guests;

public sealed class OverlayReleaseTests : IDisposable
{
    private const string NotRunning = "error: Requested operation is not valid: domain is not running";
    private readonly Web1Host host = new();
    private readonly RecordedShell shell;
    private readonly List<JobStep> steps = [];
    private readonly List<string> notes = [];
    private readonly List<bool> saves = [];

    public OverlayReleaseTests()
    {
        host.BePinned();
        shell = host.Shell.Now("shut-off/domstate").On(
            "dumpxml --security-info --inactive", Reply.Of("pinned/dumpxml-inactive"),
            Reply.Of("pinned/dumpxml-inactive"));
    }

    public void Dispose() => host.Dispose();

    [Fact]
    public async Task A_guest_that_was_shut_off_is_committed_offline_and_its_definition_is_set_back()
    {
        shell.On("blockcommit", Reply.Bad(NotRunning))
            .On("qemu-img commit", Reply.Good("Image committed."))
            .On("define", Reply.Good("Domain defined").Then(HaveReleased));

        await ReleaseAsync();

        Assert.Equal(
            ["blockcommit", "qemu-img commit", "define"], shell.Order("blockcommit", "qemu-img commit", "define"));
        Assert.Equal(
            ["commit", "-f", "qcow2", "-b", host.Vda.BasePath, host.Vda.OverlayPath],
            shell.Calls.First(call => call.Program == "qemu-img").Arguments);
    }

    [Fact]
    public async Task A_guest_that_starts_before_its_definition_is_repaired_is_committed_by_a_block_job()
    {
        // It started on its overlay, and its definition names the base: without a repair the next start would lose
        // data.
        shell.On("blockcommit", Reply.Bad(NotRunning), Reply.Good("Active Block Commit started").Then(
                () => shell.Now("ready/dumpxml", "running/domstate")))
            .On("qemu-img commit", Reply.Good("Image committed."))
            .On("define", Reply.Good("Domain defined").Then(() => shell.Now("half-released/dumpxml-inactive")))
            .On("--pivot", Reply.Good(string.Empty).Then(HaveReleased));

        await ReleaseAsync();

        Assert.Equal(
            ["blockcommit", "define", "blockcommit", "--pivot"], shell.Order("blockcommit", "define", "--pivot"));
    }

    [Fact]
    public async Task A_guest_that_runs_again_is_committed_by_a_block_job()
    {
        shell.On("blockcommit", Reply.Bad(NotRunning), Reply.Good("Active Block Commit started").Then(
                () => shell.Now("ready/dumpxml")))
            .On("qemu-img commit", Reply.Bad("qemu-img: Failed to get \"write\" lock"))
            .On("--pivot", Reply.Good(string.Empty).Then(HaveReleased));

        await ReleaseAsync();

        Assert.Equal(0, shell.Count("define"));
    }

    [Fact]
    public async Task A_commit_that_always_fails_keeps_the_overlay_and_the_definition()
    {
        shell.On("blockcommit", [.. Enumerable.Repeat(NotRunning, 9).Select(text => Reply.Bad(text))])
            .On("qemu-img commit",
                [.. Enumerable.Repeat("qemu-img: No space left", 9).Select(text => Reply.Bad(text))]);

        DisksException failure = await Assert.ThrowsAsync<DisksException>(() => ReleaseAsync());

        Assert.Contains("No space left", failure.Message, StringComparison.Ordinal);
        Assert.Equal(0, shell.Count("define"));
        Assert.Equal(3, shell.Count("qemu-img commit"));
    }

    [Fact]
    public async Task A_guest_whose_memory_was_saved_on_the_overlay_resumes_on_its_base()
    {
        string saved = await PinnedXmlAsync();
        string onBase = saved.Replace(host.Vda.OverlayPath, host.Vda.BasePath, StringComparison.Ordinal);
        shell.On("blockcommit", Reply.Bad(NotRunning))
            .On("qemu-img commit", Reply.Good("Image committed."), Reply.Good("Image committed."))
            .On("virsh define", Reply.Good("Domain defined").Then(HaveReleased))
            .On("managedsave-dumpxml", Reply.Good(saved), Reply.Good(saved), Reply.Good(saved), Reply.Good(onBase),
                Reply.Good(onBase))
            .On("managedsave-define", Reply.Good("Managed save state file updated.").Then(
                () => Assert.True(File.Exists(host.Vda.OverlayPath))));

        await ReleaseAsync();

        Assert.Equal(
            ["qemu-img commit", "virsh define", "managedsave-define", "qemu-img info"],
            shell.Order("qemu-img commit", "virsh define", "managedsave-define", "qemu-img info").Distinct());
        Assert.False(File.Exists(host.Vda.OverlayPath));
    }

    [Fact]
    public async Task An_overlay_that_the_saved_memory_still_names_stays()
    {
        string saved = await PinnedXmlAsync();
        HaveReleased();
        shell.On("qemu-img commit", Reply.Good("Image committed."))
            .On("managedsave-dumpxml", [.. Enumerable.Repeat(saved, 4).Select(Reply.Good)])
            .On("managedsave-define", Reply.Good("Managed save state file updated."));

        HypervisorException failure = await Assert.ThrowsAsync<HypervisorException>(() => ReleaseAsync());

        Assert.Equal(ExitCode.ManualActionRequired, failure.ExitCode);
        Assert.Contains("kvmbackup recover", failure.Message, StringComparison.Ordinal);
        Assert.True(File.Exists(host.Vda.OverlayPath));
    }

    [Fact]
    public async Task The_overlay_is_removed_last_and_only_if_it_is_the_recorded_one()
    {
        host.HaveWorkingCommits();

        await ReleaseAsync(LocalFile.Identify(host.Vda.OverlayPath));

        Assert.Equal(["--pivot", "qemu-img info"], shell.Order("--pivot", "qemu-img info"));
        Assert.Equal([JobStep.Committing, JobStep.Ready, JobStep.Pivoted, JobStep.OnBase], steps);
        Assert.False(File.Exists(host.Vda.OverlayPath));
        Assert.True(File.Exists(host.Vdb.OverlayPath));
    }

    [Fact]
    public async Task An_open_overlay_is_not_deleted()
    {
        // After a crash of libvirtd the definitions can be wrong; the image locks of QEMU are reliable.
        shell.Now("pinned/vda-locked");

        DisksException failure =
            await Assert.ThrowsAsync<DisksException>(() => host.Release.RemoveAsync(Web1.Identity, host.Vda, null));

        Assert.Equal(ExitCode.ManualActionRequired, failure.ExitCode);
        Assert.Contains("Failed to get shared \"write\" lock", failure.Message, StringComparison.Ordinal);
        Assert.Contains($"fuser -v {host.Vda.OverlayPath}", failure.Message, StringComparison.Ordinal);
        Assert.True(File.Exists(host.Vda.OverlayPath));
    }

    [Fact]
    public async Task An_overlay_that_is_locked_after_its_commit_stays_and_requires_manual_action()
    {
        host.HaveWorkingCommits();
        shell.Now("pinned/vda-locked");

        DisksException failure = await Assert.ThrowsAsync<DisksException>(() => ReleaseAsync());

        Assert.Equal(ExitCode.ManualActionRequired, failure.ExitCode);
        Assert.True(File.Exists(host.Vda.OverlayPath));
    }

    [Fact]
    public async Task A_file_in_the_place_of_an_overlay_is_unchanged()
    {
        FileIdentity recorded = LocalFile.Identify(host.Vdb.OverlayPath);

        _ = await Assert.ThrowsAsync<DisksException>(() => host.Release.RemoveAsync(Web1.Identity, host.Vda, recorded));

        Assert.True(File.Exists(host.Vda.OverlayPath));
    }

    [Fact]
    public async Task A_missing_overlay_is_not_queried()
    {
        File.Delete(host.Vda.OverlayPath);

        await host.Release.RemoveAsync(Web1.Identity, host.Vda, null);

        Assert.Equal(0, shell.Count("qemu-img"));
    }

    private async Task<string> PinnedXmlAsync() =>
        (await shell.RunAsync(
            host.Virsh.Call("dumpxml", "--domain", $"{Web1.Uuid}"), CancellationToken.None)).StandardOutput;

    private void HaveReleased() => host.Be("released");

    private async Task ReleaseAsync(FileIdentity? identity = null) => await host.Release.ReleaseAsync(
        await host.DescribeAsync(), host.Vda, identity, TimeSpan.FromMinutes(30),
        new ReleaseObserver(steps.Add, notes.Add, isSaved =>
        {
            saves.Add(isSaved);
            return Task.CompletedTask;
        }));
}
