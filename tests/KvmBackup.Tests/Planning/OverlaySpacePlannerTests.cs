using KvmBackup.Planning;

namespace KvmBackup.Tests.Planning;

public sealed class OverlaySpacePlannerTests
{
    private const long Mebi = 1L << 20;
    private const long Gibi = 1L << 30;

    [Theory]
    [InlineData(2048 * Gibi, 1 * Mebi, null, 64 * Mebi)]
    [InlineData(100 * Gibi, 50 * Gibi, null, 5 * Gibi)]
    [InlineData(100 * Gibi, 50 * Gibi, 300 * Mebi, 1200 * Mebi)]
    [InlineData(100 * Gibi, 50 * Gibi, 0L, 64 * Mebi)]
    [InlineData(100 * Gibi, 50 * Gibi, 60 * Gibi, 100 * Gibi)]
    public void The_required_space_depends_on_the_last_writes_or_on_the_allocated_size(
        long virtualSize, long allocated, long? written, long needed) =>
        Assert.Equal(needed, OverlaySpacePlanner.Decide(null, virtualSize, allocated, written).NeededBytes);

    [Fact]
    public void A_share_in_the_configuration_is_of_the_virtual_size()
    {
        OverlaySpace space = OverlaySpacePlanner.Decide(0.1, 100 * Gibi, Mebi, Mebi);

        Assert.Equal(new OverlaySpace(10 * Gibi, "overlay_headroom is 10 % of the disks' size"), space);
    }
}
