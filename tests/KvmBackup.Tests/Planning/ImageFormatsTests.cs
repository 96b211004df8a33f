using KvmBackup.Planning;

namespace KvmBackup.Tests.Planning;

public sealed class ImageFormatsTests
{
    [Theory]
    [InlineData("qcow2 qcow2 raw", null)]
    [InlineData("qcow2 vmdk", null)]
    [InlineData("vdi", null)]
    [InlineData("", null)]
    [InlineData("qed raw", "/0 has the format qed and a backing file")]
    [InlineData("qcow2 vmdk vmdk", "/1 has the format vmdk and a backing file")]
    public void Only_a_qcow2_image_may_have_a_backing_file(string formats, string? obstacle)
    {
        ImageLayer[] layers = [.. formats.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select((format, depth) => new ImageLayer($"/{depth}", format, 1 << 20, false))];

        string? found = ImageFormats.FindObstacle(layers, isActive: true);

        Assert.Equal(obstacle is null, found is null);
        Assert.StartsWith(obstacle ?? string.Empty, found ?? string.Empty, StringComparison.Ordinal);
    }

    [Fact]
    public void A_compressed_vmdk_is_refused_while_its_guest_runs()
    {
        ImageLayer[] layers = [new ImageLayer("/0", "vmdk", 1 << 20, false) { IsStreamOptimized = true }];

        Assert.Contains(
            "QEMU cannot commit", ImageFormats.FindObstacle(layers, isActive: true), StringComparison.Ordinal);
        Assert.Null(ImageFormats.FindObstacle(layers, isActive: false));
    }
}
