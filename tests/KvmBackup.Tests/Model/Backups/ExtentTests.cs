namespace KvmBackup.Tests.Model.Backups;

/// <summary>Merging of extents.</summary>
public sealed class ExtentTests
{
    [Theory]
    [InlineData("", 1, "")]
    [InlineData("5+5", 1, "5+5")]
    [InlineData("0+5 5+5", 1, "0+10")]
    [InlineData("0+5 5+5", 0, "0+5 5+5")]
    [InlineData("0+5 6+5", 1, "0+5 6+5")]
    [InlineData("0+5 6+5 20+1", 2, "0+11 20+1")]
    [InlineData("0+10 2+3 12+1", 1, "0+10 12+1")]
    [InlineData("0+10 2+3 9+4", 0, "0+13")]
    public void Extents_that_touch_or_have_a_small_hole_between_them_are_merged(
        string extents, long smallestHoleBytes, string expected) =>
        Assert.Equal(Parse(expected), Extent.Coalesce(Parse(extents), smallestHoleBytes));

    private static Extent[] Parse(string text) =>
    [
        .. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(one => one.Split('+'))
            .Select(parts => new Extent(long.Parse(parts[0], null), long.Parse(parts[1], null))),
    ];
}
