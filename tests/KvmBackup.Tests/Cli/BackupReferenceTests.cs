using KvmBackup.Cli;

namespace KvmBackup.Tests.Cli;

public sealed class BackupReferenceTests
{
    [Theory]
    [InlineData("web1", "web1", null)]
    [InlineData("web1@20261120", "web1", "20261120")]
    [InlineData("web1@20261120T020000Z", "web1", "20261120T020000Z")]
    [InlineData("web1@20261120t02", "web1", "20261120T02")]
    [InlineData("web1@latest", "web1", null)]
    [InlineData("web1@LATEST", "web1", null)]
    [InlineData("web1@2026-11", "web1", "202611")]
    [InlineData("web1@2026-11-20", "web1", "20261120")]
    [InlineData("web1@2026-11-20T02:00", "web1", "20261120T0200")]
    [InlineData("web1@2026-11-20 02:00:00Z", "web1", "20261120T020000Z")]
    [InlineData("web1@20261120T020000Z-full", "web1", "20261120T020000Z")]
    [InlineData("web1@20261120T020000Z-incr/", "web1", "20261120T020000Z")]
    [InlineData("web1@20261120T020000Z-full.partial", "web1", "20261120T020000Z-full.partial")]
    [InlineData("web1/20261120T020000Z-full", "web1", "20261120T020000Z")]
    [InlineData("/mnt/backup/cloud1/web1/20261120T020000Z-diff/", "web1", "20261120T020000Z")]
    [InlineData("/mnt/b/rbd%3Arbd%2Fvm-1/20261120T020000Z-full", "rbd:rbd/vm-1", "20261120T020000Z")]
    [InlineData("me@home", "me@home", null)]
    [InlineData("me@home@2026", "me@home", "2026")]
    [InlineData("me@latest@latest", "me@latest", null)]
    [InlineData("web1@", "web1@", null)]
    [InlineData("@2026", "@2026", null)]
    [InlineData("my vm ü@2", "my vm ü", "2")]
    public void A_name_may_contain_an_at_sign_and_an_ID_has_the_form_of_one(string text, string domain, string? prefix)
    {
        BackupReference reference = BackupReference.Parse(text);

        Assert.Equal((new DomainName(domain), prefix), (reference.Domain, reference.IdPrefix));
    }

    [Fact]
    public void A_full_path_gives_the_backup_directory() => Assert.Equal(
        "/mnt/backup/cloud1", BackupReference.Parse("/mnt/backup/cloud1/web1/20261120T020000Z-full").BackupDirectory);

    [Fact]
    public void A_directory_without_a_domain_is_refused() => Assert.Contains(
        "NAME@20261120T020000Z",
        Assert.Throws<CliException>(() => BackupReference.Parse("20261120T020000Z-full/")).Message,
        StringComparison.Ordinal);

    [Fact]
    public void An_empty_reference_is_refused() => Assert.Throws<ModelException>(() => BackupReference.Parse(""));
}
