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
}
