using KvmBackup.Disks;

namespace KvmBackup.Tests.Disks;

public sealed class QemuConversionTests
{
    [Fact]
    public void The_connection_options_do_not_contain_the_key()
    {
        RbdAccess byMonitors = new(["10.0.0.1:6789", "[fd00::1]:3300"], "backup", "/run/key", null, null);
        RbdAccess byFile = new(["10.0.0.1"], "backup", null, "/etc/ceph/t=wo.conf", "/etc/ceph/two.keyring");

        Assert.Equal(
            @"rbd:rbd/a:conf=/dev/null:mon_host=10.0.0.1\:6789,[fd00\:\:1]\:3300:id=backup:keyfile=/run/key",
            Url("rbd/a", byMonitors));
        Assert.Equal(
            @"rbd:rbd/ns/a b:conf=/etc/ceph/t\=wo.conf:id=backup:keyring=/etc/ceph/two.keyring",
            Url("rbd/ns/a b", byFile));
        Assert.Equal(@"rbd:rbd/a\:b\=c\\d", Url(@"rbd/a:b=c\d", RbdAccess.Default));
    }

    private static string Url(string image, RbdAccess access) =>
        QemuConversion.IntoImageCall("/a.qcow2", "qcow2", new RbdLocation(RbdImage.Parse(image), access)).Arguments[^1];
}
