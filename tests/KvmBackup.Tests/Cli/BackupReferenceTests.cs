using KvmBackup.Cli;
using KvmBackup.Model;

namespace KvmBackup.Tests.Cli;

public sealed class BackupReferenceTests
{
    [Theory]
    [InlineData("web1", "web1", null)]
    [InlineData("web1@20261120", "web1", "20261120")]
    [InlineData("web1@20261120T020000Z", "web1", "20261120T020000Z")]
    [InlineData("me@home", "me@home", null)]
    [InlineData("me@home@2026", "me@home", "2026")]
    [InlineData("web1@", "web1@", null)]
    [InlineData("@2026", "@2026", null)]
    [InlineData("my vm ü@2", "my vm ü", "2")]
    public void A_name_may_hold_an_at_sign_and_an_id_looks_like_one(string text, string domain, string? prefix) =>
        Assert.Equal(new BackupReference(new DomainName(domain), prefix), BackupReference.Parse(text));

    [Fact]
    public void Nothing_is_no_reference() => Assert.Throws<ModelException>(() => BackupReference.Parse(""));
}
