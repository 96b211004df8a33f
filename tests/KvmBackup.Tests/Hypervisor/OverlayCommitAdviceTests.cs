using KvmBackup.Hypervisor;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Hypervisor;

/// <summary>The messages when another program changed the guest during its backup.</summary>
public sealed class OverlayCommitAdviceTests
{
    private readonly RecordedShell shell = new RecordedShell().Now("running/domstate", "running/domname");

    [Fact]
    public async Task An_overlay_below_another_program_s_overlay_is_reported_with_the_commit_command()
    {
        string above = Recording.Read("pinned/dumpxml").Output
            .Replace($"<source file='{Web1.VdaOverlay.OverlayPath}'", "<source file='/foreign.qcow2'",
                StringComparison.Ordinal)
            .Replace(
                "<target dev='vda'",
                $"<backingStore type='file'><source file='{Web1.VdaOverlay.OverlayPath}'/></backingStore><target "
                    + "dev='vda'",
                StringComparison.Ordinal);
        shell.On("dumpxml", Reply.Good(above));

        HypervisorException failure = await FailAsync();

        Assert.Contains(
            $"--base {Web1.VdaOverlay.BasePath} --top {Web1.VdaOverlay.OverlayPath} --wait --verbose`", failure.Message,
            StringComparison.Ordinal);
        Assert.DoesNotContain("--active", failure.Message, StringComparison.Ordinal);
        Assert.Contains("do not delete or move that overlay", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_domain_that_is_gone_is_not_queried_again()
    {
        shell.On("dumpxml", [.. Enumerable.Repeat("error: failed to get domain", 99).Select(text => Reply.Bad(text))])
            .On("domname", Reply.Bad("error: failed to get domain")).On("list --all", Reply.Good("\n"));

        HypervisorException failure = await FailAsync();

        Assert.True(failure.IsDomainGone);
        Assert.Equal(1, shell.Count("dumpxml"));
    }

    [Fact]
    public async Task A_disk_that_was_detached_from_the_guest_only_is_reported_with_the_commit_command()
    {
        string without =
            Recording.Read("pinned/dumpxml").Output.Replace("dev='vda'", "dev='vdz'", StringComparison.Ordinal)
            .Replace(Web1.VdaOverlay.OverlayPath, "/other.qcow2", StringComparison.Ordinal);
        shell.Now("pinned/dumpxml-inactive").On("dumpxml", Reply.Good(without));

        HypervisorException failure = await FailAsync();

        Assert.Contains("vda: the disk was detached", failure.Message, StringComparison.Ordinal);
        Assert.Contains(
            $"`qemu-img commit -f qcow2 {Web1.VdaOverlay.OverlayPath}`", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_overlay_that_another_disk_uses_stays()
    {
        string renamed =
            Recording.Read("pinned/dumpxml").Output.Replace("dev='vda'", "dev='vdz'", StringComparison.Ordinal);
        shell.On("dumpxml", Reply.Good(renamed));

        HypervisorException failure = await FailAsync();

        Assert.Contains("do not move or delete that file", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("`rm", failure.Message, StringComparison.Ordinal);
    }

    private async Task<HypervisorException> FailAsync()
    {
        OverlayCommit commit = Releases.Over(shell, new AcceleratedTime(), "/none").Commit;
        DomainFacts facts = await Web1.DescribeAsync();
        HypervisorException failure = await Assert.ThrowsAsync<HypervisorException>(() => commit.TryReleaseAsync(
            facts, Web1.VdaOverlay, TimeSpan.FromMinutes(30), _ => { }, _ => { }, CancellationToken.None));
        Assert.Equal(ExitCode.ManualActionRequired, failure.ExitCode);
        return failure;
    }
}
