using KvmBackup.Hypervisor;
using KvmBackup.Model;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Hypervisor;

public sealed class OverlaySnapshotTests
{
    private readonly RecordedShell shell = new();

    [Fact]
    public async Task The_call_is_the_one_that_libvirt_took()
    {
        shell.Now("running/snapshot");

        await Snapshot().CreateAsync(
            await Web1.DescribeAsync(), Web1.Id, [Web1.VdaOverlay, Web1.VdbOverlay], CancellationToken.None);

        Assert.Equal(1, shell.Count("snapshot-create-as"));
    }

    [Fact]
    public async Task Every_disk_has_a_diskspec_and_those_without_an_overlay_are_left_out()
    {
        DomainFacts facts = await Web1.DescribeAsync();

        IReadOnlyList<string> arguments = Snapshot().CreateCall(facts, Web1.Id, [Web1.VdaOverlay]).Arguments;

        string[] specifications = [.. arguments.Where((_, index) => index > 0 && arguments[index - 1] == "--diskspec")];
        Assert.Equal(facts.Disks.Select(disk => disk.Target.Value), specifications.Select(text => text.Split(',')[0]));
        Assert.Equal(
            [$"vda,snapshot=external,driver=qcow2,stype=file,file={Web1.VdaOverlay.OverlayPath}", "vdb,snapshot=no", "sda,snapshot=no"],
            specifications);
        Assert.Superset(new HashSet<string> { "--disk-only", "--atomic", "--no-metadata" }, arguments.ToHashSet());
    }

    [Fact]
    public async Task A_comma_of_the_path_is_doubled()
    {
        PlannedOverlay overlay = Web1.VdaOverlay with { OverlayPath = "/images/a,b,,c/o.qcow2" };

        ProgramCallText(Snapshot().CreateCall(await Web1.DescribeAsync(), Web1.Id, [overlay]).Arguments, "file=/images/a,,b,,,,c/o.qcow2");
    }

    [Fact]
    public async Task A_refusal_tells_what_libvirt_said()
    {
        shell.Now("pinned/snapshot-again");
        DomainFacts facts = await Web1.DescribeAsync();

        HypervisorException failure = await Assert.ThrowsAsync<HypervisorException>(() => Snapshot().CreateAsync(
            facts, Web1.Id, [Web1.VdaOverlay, Web1.VdbOverlay], CancellationToken.None));

        Assert.Equal(ExitCode.Failed, failure.ExitCode);
        Assert.Contains("web1: taking the snapshot failed", failure.Message, StringComparison.Ordinal);
        Assert.Contains("already exists and is not a block device", failure.Message, StringComparison.Ordinal);
    }

    private static void ProgramCallText(IReadOnlyList<string> arguments, string end) =>
        Assert.Contains(arguments, argument => argument.EndsWith(end, StringComparison.Ordinal));

    private OverlaySnapshot Snapshot() => new(new Virsh(shell, null));
}
