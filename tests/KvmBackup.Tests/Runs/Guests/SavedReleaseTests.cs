using KvmBackup.Disks;
using KvmBackup.Runs;
using KvmBackup.Runs.Guests;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs.Guests;

/// <summary>A running guest whose base QEMU may not write to, and whose AppArmor profile cannot be changed.</summary>
public sealed class SavedReleaseTests : IDisposable
{
    private const string Saved = "managedsave-dumpxml";

    private readonly Web1Host host = new();
    private readonly RecordedShell shell;
    private readonly List<string> notes = [];
    private readonly List<bool> saves = [];
    private readonly List<JobStep> steps = [];

    public SavedReleaseTests()
    {
        host.BePinned();
        shell = host.Shell
            .Now("running/list", "pinned/vda-map", "pinned/vdb-map")
            .On("blockcommit", [.. Enumerable.Repeat(0, 3).Select(_ => Denied())])
            .On("dumpxml --security-info --inactive", Pinned(), Pinned(), Pinned(), Pinned());
    }

    public void Dispose() => host.Dispose();

    [Fact]
    public async Task The_guest_is_saved_committed_and_started_on_its_base()
    {
        HaveSave(Reply.Good("Domain 'web1' state saved by libvirt"));
        shell.On("qemu-img commit", Reply.Good("Image committed.")).On(Saved, Pinned(), OnBase());
        HaveDefinitions();
        HaveStart();

        await ReleaseAsync();

        Assert.Equal(
            ["blockcommit", "blockcommit", "blockcommit", "managedsave --domain", "qemu-img commit",
                "managedsave-define", "virsh define", "start --domain"],
            shell.Order("blockcommit", "managedsave --domain", "qemu-img commit", "managedsave-define", "virsh define",
                "start --domain"));
        Assert.False(File.Exists(host.Vda.OverlayPath));
        Assert.Contains("the guest was saved, the overlay was committed",
            Assert.Single(notes), StringComparison.Ordinal);
        Assert.Equal([true, false], saves);
        Assert.Equal([JobStep.Saved, JobStep.SavedOnBase, JobStep.OnBase], steps
            .Where(step => step != JobStep.Committing));
    }

    [Fact]
    public async Task A_guest_that_cannot_be_saved_continues_and_the_message_has_the_matching_commands()
    {
        HaveSave(Reply.Bad("error: Failed to save domain 'web1' to managed save: no space"), isSaved: false);

        RunsException failure = await Assert.ThrowsAsync<RunsException>(ReleaseAsync);

        Assert.Equal(ExitCode.ManualActionRequired, failure.ExitCode);
        Assert.Contains("Permission denied", failure.Message, StringComparison.Ordinal);
        Assert.Contains("no space", failure.Message, StringComparison.Ordinal);
        Assert.Contains($"`virsh shutdown {Web1.Uuid}` ; when it is shut off: `kvmbackup recover`", failure.Message,
            StringComparison.Ordinal);
        Assert.DoesNotContain("Run: virsh blockcommit", failure.Message, StringComparison.Ordinal);
        Assert.True(File.Exists(host.Vda.OverlayPath));
        Assert.Equal([true, false], saves);
    }

    [Fact]
    public async Task A_save_whose_answer_is_lost_is_detected()
    {
        HaveSave(Reply.Killed);
        shell.On("domjobabort", Reply.Bad("error: no job")).On("qemu-img commit", Reply.Good("Image committed."))
            .On(Saved, Pinned(), OnBase());
        HaveDefinitions();
        HaveStart();

        await ReleaseAsync();

        Assert.False(File.Exists(host.Vda.OverlayPath));
    }

    [Fact]
    public async Task A_commit_that_fails_starts_the_guest_on_its_overlay_again()
    {
        HaveSave(Reply.Good("Domain 'web1' state saved by libvirt"));
        shell.On("qemu-img commit", Reply.Bad("qemu-img: No space left"));
        HaveStart("pinned");

        RunsException failure = await Assert.ThrowsAsync<RunsException>(ReleaseAsync);

        Assert.Contains("No space left", failure.Message, StringComparison.Ordinal);
        Assert.Equal(1, shell.Count("start --domain"));
        Assert.Equal(0, shell.Count("define"));
        Assert.True(File.Exists(host.Vda.OverlayPath));
    }

    [Fact]
    public async Task A_saved_guest_is_started_again_after_any_failure()
    {
        HaveSave(Reply.Good("Domain 'web1' state saved by libvirt"));
        shell.On("qemu-img commit", Reply.Good("Image committed.")).On(Saved, Pinned())
            .On("managedsave-define", Reply.Thrown(new IOException("No space left on device")));
        HaveStart("pinned");

        RunsException failure = await Assert.ThrowsAsync<RunsException>(ReleaseAsync);

        Assert.Contains("No space left on device", failure.Message, StringComparison.Ordinal);
        Assert.Equal(1, shell.Count("start --domain"));
        Assert.True(File.Exists(host.Vda.OverlayPath));
    }

    [Fact]
    public async Task A_guest_that_does_not_start_again_keeps_the_record_and_gets_a_command()
    {
        HaveSave(Reply.Good("Domain 'web1' state saved by libvirt"));
        shell.On("qemu-img commit", Reply.Good("Image committed.")).On(Saved, Pinned(), OnBase())
            .On("start --domain", [.. Enumerable.Repeat("error: no memory", 3).Select(text => Reply.Bad(text))]);
        HaveDefinitions();

        RunsException failure = await Assert.ThrowsAsync<RunsException>(ReleaseAsync);

        Assert.Equal(ExitCode.ManualActionRequired, failure.ExitCode);
        Assert.Contains("THE GUEST IS SAVED AND DOES NOT RUN", failure.Message, StringComparison.Ordinal);
        Assert.Contains(
            $"Run: `virsh start --domain {Web1.Uuid}` ; then: `kvmbackup recover`", failure.Message,
            StringComparison.Ordinal);
        Assert.Equal([true], saves);
        Assert.True(File.Exists(host.Vda.OverlayPath));
    }

    [Theory]
    [InlineData("pinned", 1)]
    [InlineData("released", 0)]
    public async Task Recovery_starts_a_guest_that_an_interrupted_run_had_saved(string definition, int commits)
    {
        await LeaveSavedAsync(definition);
        shell.Now("shut-off/domstate").On(Saved, Pinned(), Pinned(), Pinned(), OnBase(), Pinned(), OnBase())
            .On("qemu-img commit", Reply.Good("Image committed."), Reply.Good("Image committed."));
        HaveDefinitions();
        HaveStart();

        DomainRecoveryReport report = Assert.Single((await host.RecoverAsync()).Domains);

        Assert.True(report.IsRecovered, string.Join('\n', report.Actions));
        Assert.Contains(report.Actions,
            action => action.Contains("it was started again from its saved memory", StringComparison.Ordinal));
        Assert.Equal(1, shell.Count("start --domain"));
        Assert.Equal(2 * commits, shell.Count("qemu-img commit"));
        Assert.Empty(host.Journal.ListOpen());
        Assert.False(File.Exists(host.Vda.OverlayPath));
    }

    [Fact]
    public async Task Recovery_does_not_start_a_guest_without_saved_memory()
    {
        await LeaveSavedAsync("released");
        shell.Now("shut-off/domstate", "shut-off/managedsave-dumpxml");

        DomainRecoveryReport report = Assert.Single((await host.RecoverAsync()).Domains);

        Assert.True(report.IsRecovered, string.Join('\n', report.Actions));
        Assert.Equal(0, shell.Count("start --domain"));
        Assert.Equal(0, shell.Count("qemu-img commit"));
    }

    [Fact]
    public async Task Recovery_that_cannot_start_the_guest_keeps_the_entry_for_the_next_one()
    {
        await LeaveSavedAsync("released");
        shell.Now("shut-off/domstate").On(Saved, Pinned(), Pinned())
            .On("start --domain", [.. Enumerable.Repeat("error: no memory", 3).Select(text => Reply.Bad(text))]);

        RecoveryReport report = await host.RecoverAsync();

        Assert.Equal(ExitCode.ManualActionRequired, report.ExitCode);
        Assert.True(Assert.Single(host.Journal.ListOpen()).IsGuestSaved);
        Assert.True(File.Exists(host.Vda.OverlayPath));
    }

    /// <summary>The error text of libvirt 9.0 and QEMU 7.2 on a host with AppArmor.</summary>
    private Reply Denied() => Reply.Bad(
        $"error: internal error: unable to execute QEMU command 'block-commit': Could not open '{host.Vda.BasePath}': "
            + "Permission denied");

    /// <summary>The definition in the image of the saved memory, after it was changed.</summary>
    private Reply OnBase() => Reply.Good(
        $"<domain><devices>{Disk(host.Vda)}{Disk(host.Vdb)}</devices></domain>");

    private static string Disk(PlannedOverlay overlay) =>
        $"<disk type='file' device='disk'><source file='{overlay.BasePath}'/><target dev='{overlay.Target}'/></disk>";

    private static Reply Pinned() => Reply.Of("pinned/dumpxml-inactive");

    private void HaveSave(Reply answer, bool isSaved = true) => shell.On("managedsave --domain", answer.Then(() =>
    {
        if (isSaved)
        {
            _ = shell.Now("shut-off/domstate");
        }
    }));

    private void HaveDefinitions() => shell
        .On("managedsave-define", Reply.Good("Managed save image updated."), Reply.Good("Managed save image updated."))
        .On("virsh define", Reply.Good("Domain defined"), Reply.Good("Domain defined"));

    private void HaveStart(string state = "released") =>
        shell.On("start --domain", Reply.Good("Domain 'web1' started").Then(() =>
    {
        host.Be(state);
        _ = shell.Now("running/domstate");
    }));

    private async Task LeaveSavedAsync(string definition)
    {
        await host.LeaveAsync(PinState.Releasing, definition);
        await host.Journal.Resume(Assert.Single(host.Journal.ListOpen()))
            .RecordAsync(entry => entry with { IsGuestSaved = true }, CancellationToken.None);
    }

    private async Task ReleaseAsync() => await host.Release.ReleaseAsync(
        await host.DescribeAsync(), host.Vda, LocalFile.Identify(host.Vda.OverlayPath), TimeSpan.FromMinutes(30),
        new ReleaseObserver(steps.Add, notes.Add, isSaved =>
        {
            saves.Add(isSaved);
            return Task.CompletedTask;
        }));
}
