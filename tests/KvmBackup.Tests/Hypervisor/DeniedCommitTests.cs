using KvmBackup.Hypervisor;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Hypervisor;

/// <summary>A commit whose base QEMU may not write to.</summary>
public sealed class DeniedCommitTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(30);
    private readonly RecordedShell shell = new RecordedShell().Now("running/domstate");
    private readonly AcceleratedTime time = new();

    [Fact]
    public async Task A_base_that_AppArmor_denies_is_allowed_and_committed_without_a_pause()
    {
        using TemporaryFolder profiles = new();
        Generated.WriteTo(profiles.DirectoryPath, Web1.VdaOverlay.BasePath, Web1.VdaOverlay.OverlayPath);
        Generated.Answer(shell, Web1.VdaOverlay.BasePath).Now("pinned/dumpxml", "half-released/dumpxml-inactive")
            .On("blockcommit", Reply.Of("committing/blockcommit-denied"), Reply.Of("committing/blockcommit-slowly")
                .Then(() => shell.Now("ready/dumpxml")))
            .On("--pivot", Reply.Of("ready/pivot").Then(() => shell.Now("half-released/dumpxml")));
        List<string> notes = [];

        Assert.True(await Releases.Over(shell, time, profiles.DirectoryPath).Commit.TryReleaseAsync(
            await Web1.DescribeAsync(), Web1.VdaOverlay, Limit, _ => { }, notes.Add, CancellationToken.None));

        Assert.Equal(
            ["blockcommit", "apparmor_parser", "blockcommit", "--pivot"],
            shell.Order("blockcommit", "apparmor_parser", "--pivot"));
        Assert.Contains("was removed from the AppArmor profile", Assert.Single(notes), StringComparison.Ordinal);
        Assert.Equal(0, shell.Count("managedsave"));
    }

    [Fact]
    public async Task A_base_that_stays_denied_is_marked_and_the_message_has_the_matching_commands()
    {
        shell.Now("pinned/dumpxml")
            .On("blockcommit", [.. Enumerable.Repeat("committing/blockcommit-denied", 9).Select(Reply.Of)]);

        HypervisorException failure = await FailAsync();

        Assert.True(failure.IsBaseDenied);
        Assert.Contains("there is no AppArmor profile", failure.Message, StringComparison.Ordinal);
        Assert.Contains($"`virsh shutdown {Web1.Uuid}` ; when it is shut off: `kvmbackup recover`", failure.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_failure_of_a_commit_is_not_a_denial()
    {
        shell.Now("pinned/dumpxml")
            .On("blockcommit", [.. Enumerable.Repeat("committing/blockcommit-again", 9).Select(Reply.Of)]);

        Assert.False((await FailAsync()).IsBaseDenied);
    }

    [Fact]
    public async Task A_pivot_that_is_denied_leaves_the_profile_alone_while_its_job_is_there()
    {
        shell.Now("ready/dumpxml").On(
            "--pivot", [.. Enumerable.Repeat(0, 40).Select(
                _ => Reply.Bad("error: Could not open '/x': Permission denied"))]);

        HypervisorException failure = await FailAsync();

        Assert.False(failure.IsBaseDenied);
        Assert.Contains("--pivot", failure.Message, StringComparison.Ordinal);
    }

    private async Task<HypervisorException> FailAsync()
    {
        DomainFacts domain = await Web1.DescribeAsync();
        return await Assert.ThrowsAsync<HypervisorException>(
            () => Releases.Over(shell, time, "/no/apparmor").Commit.TryReleaseAsync(
            domain, Web1.VdaOverlay, Limit, _ => { }, _ => { }, CancellationToken.None));
    }
}
