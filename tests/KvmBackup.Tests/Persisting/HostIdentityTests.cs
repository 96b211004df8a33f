using KvmBackup.Persisting;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Persisting;

/// <summary>Cloned hosts, and hosts without a usable identity.</summary>
public sealed class HostIdentityTests : IDisposable
{
    private const string MachineId = "3d1219c7c4c5404aaa1f6d2a48adfda4";
    private const string Hardware = "4c4c4544-0042-3510-8054-b3c04f4e3232";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_identity_is_the_same_at_each_boot_and_hides_the_machine_ID()
    {
        string? first = Read(MachineId, Hardware, "host1");

        Assert.Equal(first, Read(MachineId, Hardware, "host1"));
        Assert.Matches("^[0-9a-f]{64}$", first);
    }

    [Theory]
    [InlineData("00000000000000000000000000000001", Hardware, "host1")]
    [InlineData(MachineId, "4c4c4544-0042-3510-8054-b3c04f4e3233", "host1")]
    [InlineData(MachineId, Hardware, "host2")]
    public void Hosts_that_differ_in_one_value_have_different_identities(string machineId, string hardware, string name)
    {
        Assert.NotEqual(Read(MachineId, Hardware, "host1"), Read(machineId, hardware, name));
    }

    [Theory]
    [InlineData(null, Hardware)]
    [InlineData("", Hardware)]
    [InlineData("uninitialized", Hardware)]
    [InlineData("00000000000000000000000000000000", Hardware)]
    [InlineData(MachineId, null)]
    [InlineData(MachineId, "Not Settable")]
    [InlineData(MachineId, "00000000-0000-0000-0000-000000000000")]
    [InlineData(MachineId, "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF")]
    public void A_host_with_one_unknown_value_has_no_identity(string? machineId, string? hardware)
    {
        Assert.Null(Read(machineId, hardware, "host1"));
    }

    private string? Read(string? machineId, string? hardware, string name)
    {
        string root = folder.PathOf(Guid.NewGuid().ToString("N"));
        Write(Path.Combine(root, "etc/machine-id"), machineId);
        Write(Path.Combine(root, "sys/class/dmi/id/product_uuid"), hardware);
        return HostIdentity.ReadMachine(root, name);
    }

    private static void Write(string path, string? content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        if (content is not null)
        {
            File.WriteAllText(path, content + "\n");
        }
    }
}
