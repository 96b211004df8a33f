using KvmBackup.Hypervisor;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Hypervisor;

public sealed class DomainSnapshotsTests
{
    private readonly RecordedShell shell = new();

    [Fact]
    public async Task Parents_come_before_their_children_and_the_current_one_is_marked()
    {
        shell.On("snapshot-current", Reply.Good("leaf\n"));
        foreach ((string name, string parent) in new[] { ("leaf", "middle"), ("middle", "root"), ("root", "gone") })
        {
            shell.On($"snapshotname {name} ", Reply.Good(
                $"<domainsnapshot><name>{name}</name><parent><name>{parent}</name></parent></domainsnapshot>"));
        }

        IReadOnlyList<DomainSnapshot> snapshots = await ReadAsync("leaf", "middle", "root");

        Assert.Equal(["root", "middle", "leaf"], snapshots.Select(snapshot => snapshot.Name));
        Assert.Equal(["leaf"], snapshots.Where(snapshot => snapshot.IsCurrent).Select(snapshot => snapshot.Name));
    }

    [Fact]
    public async Task Files_outside_of_the_images_are_found_and_a_cycle_of_parents_ends()
    {
        shell.On("snapshot-current", Reply.Bad("error: domain 'web1' has no current snapshot"))
            .On("snapshotname a ", Reply.Good("""
                <domainsnapshot><parent><name>b</name></parent><memory snapshot='external' file='/m'/>
                <disks><disk name='vda' snapshot='external'><source file='/x.qcow2'/></disk>
                <disk name='vdb' snapshot='internal'/></disks></domainsnapshot>
                """))
            .On("snapshotname b ", Reply.Good("<domainsnapshot><parent><name>a</name></parent></domainsnapshot>"));

        IReadOnlyList<DomainSnapshot> snapshots = await ReadAsync("a", "b");

        Assert.Equal(["/x.qcow2", "/m"], snapshots[0].Files);
        Assert.Equal(2, snapshots.Count);
        Assert.DoesNotContain(snapshots, snapshot => snapshot.IsCurrent);
    }

    [Fact]
    public async Task A_record_that_is_no_XML_is_reported_with_its_name()
    {
        shell.On("snapshot-current", Reply.Good("a")).On("snapshotname a ", Reply.Good("<broken"));

        HypervisorException failure = await Assert.ThrowsAsync<HypervisorException>(() => ReadAsync("a"));

        Assert.Contains("The XML of the snapshot a cannot be read", failure.Message, StringComparison.Ordinal);
    }

    private Task<IReadOnlyList<DomainSnapshot>> ReadAsync(params string[] names) =>
        new DomainSnapshots(new Virsh(shell, null)).ReadAsync(Web1.Identity, names, CancellationToken.None);
}
