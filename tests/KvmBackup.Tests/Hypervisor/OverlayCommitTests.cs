using System.Xml.Linq;
using KvmBackup.Hypervisor;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Hypervisor;

public sealed class OverlayCommitTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(30);
    private readonly RecordedShell shell = new RecordedShell().Now("running/domstate", "running/domname");
    private readonly AcceleratedTime time = new();

    [Fact]
    public async Task A_disk_is_committed_and_pivoted_from_its_overlay()
    {
        shell.InTurn(
            "pinned/dumpxml", "committing/dumpxml", "committing/dumpxml", "ready/dumpxml", "half-released/dumpxml")
            .Now("half-released/dumpxml-inactive", "ready/pivot")
            .On("blockcommit", Reply.Of("committing/blockcommit-slowly"));

        Assert.True(await ReleaseAsync());

        Assert.Equal(["blockcommit", "--pivot"], shell.Order("blockcommit", "--pivot"));
    }

    [Fact]
    public async Task A_disk_of_the_running_guest_only_is_released_when_the_definition_does_not_name_its_overlay()
    {
        shell.Now("ready/dumpxml").On("dumpxml --inactive", WithoutVda("running/dumpxml-inactive"))
            .On("--pivot", Reply.Of("ready/pivot").Then(() => shell.Now("half-released/dumpxml")));

        Assert.True(await ReleaseAsync());
    }

    [Fact]
    public async Task A_disk_in_no_definition_must_be_committed_offline()
    {
        shell.On("dumpxml --inactive", WithoutVda("running/dumpxml-inactive")).On(
            "dumpxml --domain", WithoutVda("running/dumpxml"));

        Assert.False(await ReleaseAsync());

        Assert.Equal(0, shell.Count("block"));
    }

    [Fact]
    public async Task A_disk_on_its_base_is_unchanged()
    {
        shell.Now("released/dumpxml", "released/dumpxml-inactive");

        Assert.True(await ReleaseAsync());

        Assert.Equal(0, shell.Count("block"));
    }

    [Fact]
    public async Task A_job_that_is_already_running_is_continued()
    {
        shell.InTurn("committing/dumpxml", "ready/dumpxml", "half-released/dumpxml")
            .Now("half-released/dumpxml-inactive", "ready/pivot");

        Assert.True(await ReleaseAsync());

        Assert.Equal(["--pivot"], shell.Order("blockcommit", "--pivot"));
    }

    [Fact]
    public async Task A_job_that_vanished_is_started_again()
    {
        shell.InTurn("pinned/dumpxml", "committing/dumpxml", "pinned/dumpxml", "ready/dumpxml", "half-released/dumpxml")
            .Now("half-released/dumpxml-inactive", "ready/pivot")
            .On("blockcommit", Reply.Of("committing/blockcommit-slowly"), Reply.Of("committing/blockcommit-slowly"));

        Assert.True(await ReleaseAsync());

        Assert.Equal(["blockcommit", "blockcommit", "--pivot"], shell.Order("blockcommit", "--pivot"));
    }

    [Theory]
    [InlineData("lost")]
    [InlineData("refused")]
    public async Task Only_the_XML_is_trusted_after_a_pivot(string end)
    {
        // The pivot succeeded although virsh reported an error.
        Reply answer = end == "lost" ? Reply.Killed : Reply.Of("running/pivot-without-job");
        shell.Now("ready/dumpxml", "half-released/dumpxml-inactive")
            .On("--pivot", answer.Then(() => shell.Now("half-released/dumpxml")));

        Assert.True(await ReleaseAsync());
    }

    [Fact]
    public async Task A_pivot_that_reported_success_without_effect_is_repeated()
    {
        shell.Now("ready/dumpxml", "half-released/dumpxml-inactive")
            .On("--pivot", Reply.Of("ready/pivot"),
                Reply.Of("ready/pivot").Then(() => shell.Now("half-released/dumpxml")));

        Assert.True(await ReleaseAsync());

        Assert.Equal(2, shell.Count("--pivot"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(20)]
    public async Task A_pivot_that_is_not_ready_yet_is_retried(int attempts)
    {
        shell.Now("ready/dumpxml", "half-released/dumpxml-inactive")
            .On("--pivot", [.. Enumerable.Range(1, attempts).Select(attempt => attempt < attempts
                ? Reply.Of("committing/pivot-too-early")
                : Reply.Of("ready/pivot").Then(() => shell.Now("half-released/dumpxml")))]);

        Assert.True(await ReleaseAsync());

        Assert.Equal(attempts, shell.Count("--pivot"));
    }

    [Fact]
    public async Task A_pivot_that_reports_success_without_effect_is_repeated_for_a_while()
    {
        shell.Now("ready/dumpxml", "ready/pivot");

        _ = await FailAsync();

        Assert.InRange(shell.Count("--pivot"), 10, 30);
        Assert.InRange(time.Elapsed, TimeSpan.FromSeconds(5), Limit);
    }

    [Fact]
    public async Task A_pivot_that_never_works_ends_with_the_command_for_the_operator()
    {
        shell.Now(
            "ready/dumpxml").On("--pivot", [.. Enumerable.Repeat("committing/pivot-too-early", 100).Select(Reply.Of)]);

        HypervisorException failure = await FailAsync();

        Assert.InRange(shell.Count("--pivot"), 10, 30);
        Assert.Contains("not ready for pivot yet", failure.Message, StringComparison.Ordinal);

        // The job still runs: a second blockcommit would be refused.
        Assert.Contains(
            $"virsh blockjob --domain {Web1.Uuid} --path vda --pivot", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("blockcommit", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_commit_that_is_always_refused_ends_with_the_command_for_the_operator()
    {
        shell.Now("pinned/dumpxml").On(
            "blockcommit", [.. Enumerable.Repeat("committing/blockcommit-again", 9).Select(Reply.Of)]);

        HypervisorException failure = await FailAsync();

        Assert.Equal(3, shell.Count("blockcommit"));
        Assert.Contains("already in active block job", failure.Message, StringComparison.Ordinal);
        Assert.Contains(
            $"`virsh blockcommit {Web1.Uuid} vda --base {Web1.VdaOverlay.BasePath} --top "
            + $"{Web1.VdaOverlay.OverlayPath} --active --pivot --verbose`", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_last_attempt_counts_when_it_works()
    {
        // Two refusals, then a commit that begins: it is waited for.
        shell.Now("pinned/dumpxml", "half-released/dumpxml-inactive")
            .On("blockcommit", Reply.Of("committing/blockcommit-again"), Reply.Of("committing/blockcommit-again"),
                Reply.Good(
                    "Active Block Commit started").Then(() => shell.InTurn("committing/dumpxml", "ready/dumpxml")))
            .On("--pivot", Reply.Of("ready/pivot").Then(() => shell.Now("half-released/dumpxml")));

        Assert.True(await ReleaseAsync());
    }

    [Fact]
    public async Task A_job_that_never_becomes_ready_is_aborted_at_the_limit()
    {
        shell.Now("committing/dumpxml");

        HypervisorException failure = await FailAsync();

        Assert.InRange(time.Elapsed, Limit, Limit + TimeSpan.FromSeconds(2));
        Assert.Contains("the block job did not become ready", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_block_job_of_another_program_is_unchanged()
    {
        shell.Now("foreign-job/dumpxml");

        HypervisorException failure = await FailAsync();

        Assert.Equal(0, shell.Count("block"));
        Assert.Contains("a block job of another program (copy) runs on it", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_disk_on_another_source_is_unchanged()
    {
        string elsewhere =
            Recording.Read("released/dumpxml").Output.Replace("web1.qcow2", "other.qcow2", StringComparison.Ordinal);
        shell.On("dumpxml", Reply.Good(elsewhere));

        HypervisorException failure = await FailAsync();

        Assert.Equal(0, shell.Count("block"));
        Assert.Contains(
            "disk vda is on /var/lib/libvirt/images/other.qcow2", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guest_that_is_shut_off_during_the_commit_is_reported_to_the_caller()
    {
        shell.Now("pinned/dumpxml")
            .On("blockcommit", Reply.Bad("error: Requested operation is not valid: domain is not running")
                .Then(() => shell.Now("shut-off/domstate")));

        Assert.False(await ReleaseAsync());
    }

    [Fact]
    public async Task A_definition_that_still_names_the_overlay_requires_manual_action()
    {
        shell.Now("released/dumpxml", "pinned/dumpxml-inactive");

        HypervisorException failure = await FailAsync();

        Assert.Contains("its definition for the next start", failure.Message, StringComparison.Ordinal);
        Assert.Contains("`kvmbackup recover`", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_restart_of_libvirt_during_the_commit_is_waited_for()
    {
        shell.InTurn("ready/dumpxml", "half-released/dumpxml").Now("half-released/dumpxml-inactive", "ready/pivot")
            .On("dumpxml", Reply.Of("host/unreachable"), Reply.Killed, Reply.Of("host/unreachable"));

        Assert.True(await ReleaseAsync());
    }

    [Fact]
    public async Task A_libvirt_that_never_answers_ends_with_the_command_for_the_operator()
    {
        shell.On("dumpxml", [.. Enumerable.Repeat("host/unreachable", 1000).Select(Reply.Of)]);

        HypervisorException failure = await FailAsync();

        Assert.Contains("Failed to connect socket", failure.Message, StringComparison.Ordinal);
        Assert.Contains(Web1.VdaOverlay.OverlayPath, failure.Message, StringComparison.Ordinal);
        Assert.InRange(time.Elapsed, TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(5));
    }

    [Theory]
    [InlineData("released", "released", true)]
    [InlineData("released", "pinned", false)]
    [InlineData("pinned", "released", false)]
    [InlineData("committing", "released", false)]
    public async Task A_disk_is_on_its_base_when_both_definitions_name_it(string live, string inactive, bool isOnBase)
    {
        shell.Now($"{live}/dumpxml", $"{inactive}/dumpxml-inactive");

        Assert.Equal(isOnBase,
            await Commit().IsOnBaseAsync(await Web1.DescribeAsync(), Web1.VdaOverlay, CancellationToken.None));
    }

    private OverlayCommit Commit() => Releases.Over(shell, time, "/no/apparmor").Commit;

    private static Reply WithoutVda(string recording)
    {
        XElement domain = DomainXml.Parse(Recording.Read(recording).Output);
        domain.Descendants("disk").First().Remove();
        return Reply.Good(domain.ToString());
    }

    private async Task<bool> ReleaseAsync() => await Commit().TryReleaseAsync(
        await Web1.DescribeAsync(), Web1.VdaOverlay, Limit, _ => { }, _ => { }, CancellationToken.None);

    private async Task<HypervisorException> FailAsync()
    {
        HypervisorException failure = await Assert.ThrowsAsync<HypervisorException>(ReleaseAsync);
        Assert.Equal(ExitCode.ManualActionRequired, failure.ExitCode);
        return failure;
    }
}
