using KvmBackup.Planning;

namespace KvmBackup.Tests.Planning;

public sealed class CephKnownIssuesTests
{
    [Theory]
    [InlineData("16.2.14", "16.2.15")]
    [InlineData("17.2.7", "17.2.8")]
    [InlineData("18.2.1", "18.2.4")]
    public void A_release_with_known_defects_is_reported_with_the_fixed_release(string release, string fixedRelease) =>
        Assert.Contains($"update Ceph to {fixedRelease} or later", CephKnownIssues.Find(Version.Parse(release)),
            StringComparison.Ordinal);

    [Theory]
    [InlineData("15.2.17")]
    [InlineData("16.2.15")]
    [InlineData("17.2.8")]
    [InlineData("18.2.4")]
    [InlineData("19.2.0")]
    public void Other_releases_are_not_reported(string release) =>
        Assert.Null(CephKnownIssues.Find(Version.Parse(release)));

    [Fact]
    public void An_unknown_release_is_not_reported() => Assert.Null(CephKnownIssues.Find(null));
}
