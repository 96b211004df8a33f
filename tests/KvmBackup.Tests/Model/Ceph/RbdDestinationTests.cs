namespace KvmBackup.Tests.Model.Ceph;

public sealed class RbdDestinationTests
{
    [Theory]
    [InlineData("rbd:pool", "pool/own")]
    [InlineData("rbd:pool/", "pool/own")]
    [InlineData("rbd:pool/image", "pool/image")]
    [InlineData("rbd:pool/space/", "pool/space/own")]
    [InlineData("rbd:pool/space/image", "pool/space/image")]
    public void A_destination_in_a_cluster_has_an_optional_image_name(string text, string expected) =>
        Assert.Equal(expected, RbdDestination.Parse(text).ImageOf("own").Spec);

    [Theory]
    [InlineData("pool/image")]
    [InlineData("rbd:")]
    [InlineData("rbd:/image")]
    [InlineData("rbd:pool//image")]
    [InlineData("rbd:a/b/c/d")]
    [InlineData("rbd:-c/x")]
    [InlineData("rbd:pool/image@snapshot")]
    public void An_invalid_destination_is_refused(string text) =>
        Assert.Equal(ExitCode.Usage, Assert.Throws<ModelException>(() => RbdDestination.Parse(text)).ExitCode);
}
