using KvmBackup.Hypervisor;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Hypervisor;

public sealed class VirshTests
{
    [Theory]
    [InlineData(
        "Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory",
        "Start it: `systemctl start libvirtd` ; or where there is no libvirtd: `systemctl start virtqemud` . ")]
    [InlineData(
        "Failed to connect socket to '/var/run/libvirt/libvirt-sock': Permission denied", "Run kvmbackup as root")]
    [InlineData(
        "authentication unavailable: no polkit agent available to authenticate action", "Run kvmbackup as root")]
    public async Task A_libvirt_that_does_not_answer_is_reported_with_a_hint(string complaint, string hint)
    {
        RecordedShell shell = new RecordedShell()
            .On("list", Reply.Bad($"error: failed to connect to the hypervisor\nerror: {complaint}"));

        HypervisorException failure = await Assert.ThrowsAsync<HypervisorException>(
            () => new LibvirtHost(new Virsh(shell, null)).ListAsync(CancellationToken.None));

        Assert.Contains(complaint, failure.Message, StringComparison.Ordinal);
        Assert.Contains(hint, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failed_query_of_several_is_reported_as_the_only_one_that_failed()
    {
        RecordedShell shell = new RecordedShell().Now(Web1.Facts).On("checkpoint-list", Reply.Bad("error: no memory"));

        HypervisorException failure = await Assert.ThrowsAsync<HypervisorException>(
            () => new LibvirtHost(new Virsh(shell, null)).DescribeAsync(Web1.Identity, CancellationToken.None));

        Assert.Equal("web1: checkpoint-list failed: virsh reported: error: no memory", failure.Message);
    }
}
