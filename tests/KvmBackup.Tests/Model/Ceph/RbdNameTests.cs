namespace KvmBackup.Tests.Model.Ceph;

public sealed class RbdNameTests
{
    [Theory]
    [InlineData("rbd/web1", "rbd", null, "web1")]
    [InlineData("rbd/ns1/web1", "rbd", "ns1", "web1")]
    [InlineData("a pool/vm:100 disk-0", "a pool", null, "vm:100 disk-0")]
    [InlineData("rbd/-web1", "rbd", null, "-web1")]
    public void The_name_of_an_image_is_read_and_written_as_libvirt_does(
        string spec, string pool, string? space, string name)
    {
        RbdImage image = RbdImage.Parse(spec);

        Assert.Equal((pool, space, name, spec), (image.Pool, image.Namespace, image.Name, image.Spec));
        Assert.Equal(new RbdImage(pool, space, name), image);
    }

    [Fact]
    public void The_default_namespace_has_no_name() =>
        Assert.Equal(RbdImage.Parse("rbd/web1"), new RbdImage("rbd", "", "web1"));

    [Theory]
    [InlineData("web1")]
    [InlineData("")]
    [InlineData("rbd/")]
    [InlineData("/web1")]
    [InlineData("rbd//web1")]
    [InlineData("rbd/a/b/c")]
    [InlineData("rbd/web1@s1")]
    [InlineData("-rbd/web1")]
    [InlineData("rbd/we\nb1")]
    public void An_invalid_image_name_is_refused(string spec) =>
        Assert.Throws<ModelException>(() => RbdImage.Parse(spec));

    [Theory]
    [InlineData("10.0.0.1,10.0.0.2", null)]
    [InlineData("-c", null)]
    [InlineData("", null)]
    [InlineData("10.0.0.1", "--keyring")]
    [InlineData("10.0.0.1", "")]
    public void A_monitor_or_user_that_looks_like_an_option_is_refused(string monitor, string? user) =>
        Assert.Throws<ModelException>(() => new RbdAccess([monitor], user, null, null, null));
}
