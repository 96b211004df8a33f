namespace KvmBackup.Tests.Model.Identifiers;

public sealed class ImageIdentityTests
{
    [Theory]
    [InlineData("rbd/a", "rbd%3Arbd%2Fa")]
    [InlineData("rbd/ns1/a b", "rbd%3Arbd%2Fns1%2Fa b")]
    [InlineData("rbd/a%2Fb", "rbd%3Arbd%2Fa%252Fb")]
    public void The_folder_of_an_image_encodes_its_name_reversibly(string image, string folder)
    {
        DomainName name = ImageIdentity.NameOf(RbdImage.Parse(image));

        Assert.Equal(folder, name.FileName);
        Assert.Equal(RbdImage.Parse(image), ImageIdentity.Find(name));
    }

    [Theory]
    [InlineData("web1")]
    [InlineData("rbd:web1")]
    [InlineData("rbd:a/b/c/d")]
    [InlineData("rbd/a")]
    public void A_valid_domain_name_is_not_an_image(string name) =>
        Assert.Null(ImageIdentity.Find(new DomainName(name)));

    [Fact]
    public void The_uuid_is_stable_and_unique_per_image()
    {
        RbdImage image = RbdImage.Parse("rbd/a");

        Assert.Equal(new Guid("7410a88f-f9d2-8d9a-9c0d-1b602055ddc8"), ImageIdentity.UuidOf(image, "10d2a6"));
        Assert.Equal(ImageIdentity.UuidOf(image, "1"), ImageIdentity.UuidOf(RbdImage.Parse("rbd/renamed"), "1"));
        Assert.Equal(
            4,
            new[]
            {
                ImageIdentity.UuidOf(
                    image, "1"), ImageIdentity.UuidOf(image, "2"), ImageIdentity.UuidOf(RbdImage.Parse("ssd/a"), "1"),
                ImageIdentity.UuidOf(RbdImage.Parse("rbd/ns1/a"), "1"),
            }.Distinct().Count());
    }

    [Fact]
    public void The_uuid_has_version_and_variant_bits() =>
        Assert.Matches("^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab]",
            ImageIdentity.UuidOf(RbdImage.Parse("rbd/a"), "1").ToString());
}
