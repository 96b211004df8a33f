using KvmBackup.Planning;

namespace KvmBackup.Tests.Planning;

public sealed class CephKnownIssuesTests
{
    [Theory]
    [InlineData("16.2.14", "16.2.15")]
    [InlineData("17.2.7", "17.2.8")]
    [InlineData("18.2.1", "18.2.4")]
    public void A_release_with_known_defects_is_told_with_the_one_that_has_none(string release, string sound) =>
        Assert.Contains($"update Ceph to {sound} or later", CephKnownIssues.Find(Version.Parse(release)), StringComparison.Ordinal);

    [Theory]
    [InlineData("15.2.17")]
    [InlineData("16.2.15")]
    [InlineData("17.2.8")]
    [InlineData("18.2.4")]
    [InlineData("19.2.0")]
    public void Of_all_others_nothing_is_said(string release) => Assert.Null(CephKnownIssues.Find(Version.Parse(release)));

    [Fact]
    public void Of_a_release_that_is_not_known_nothing_is_said() => Assert.Null(CephKnownIssues.Find(null));
}
