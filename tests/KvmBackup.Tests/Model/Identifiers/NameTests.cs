namespace KvmBackup.Tests.Model.Identifiers;

public sealed class NameTests
{
    [Theory]
    [InlineData("web1", "web1")]
    [InlineData("my vm ü", "my vm ü")]
    [InlineData("a/b", "a%2Fb")]
    [InlineData("a%2Fb", "a%252Fb")]
    [InlineData(".", "%2E")]
    [InlineData("..", "%2E.")]
    [InlineData("a.b", "a.b")]
    [InlineData("a\\b", "a%5Cb")]
    [InlineData("host:vm", "host%3Avm")]
    [InlineData("-rf", "%2Drf")]
    [InlineData("a-b", "a-b")]
    [InlineData("a\tb", "a%09b")]
    [InlineData("a\u007fb", "a%7Fb")]
    [InlineData("a\u0085b", "a%C2%85b")]
    [InlineData("a\rb", "a%0Db")]
    [InlineData("web1 ", "web1%20")]
    [InlineData("web1  ", "web1 %20")]
    [InlineData(" ", "%20")]
    [InlineData(" web1", " web1")]
    public void A_domain_has_a_safe_and_unique_file_name(string name, string fileName)
    {
        Assert.Equal(fileName, new DomainName(name).FileName);
        Assert.Equal(name, Uri.UnescapeDataString(fileName));
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("a\nb")]
    [InlineData("a\0b")]
    public void An_invalid_domain_name_is_refused(string name) =>
        Assert.Equal(ExitCode.Usage, Assert.Throws<ModelException>(() => new DomainName(name)).ExitCode);

    [Theory]
    [InlineData("vda", true)]
    [InlineData("sd-a_1", true)]
    [InlineData("", false)]
    [InlineData("-vda", false)]
    [InlineData("vda,snapshot=no", false)]
    [InlineData("../vda", false)]
    [InlineData("vdä", false)]
    [InlineData("vda ", false)]
    public void A_target_is_a_device_name(string target, bool isValid) =>
        Assert.Equal(isValid, DiskTarget.IsValid(target));

    [Fact]
    public void An_id_is_an_instant_in_UTC_to_the_second()
    {
        BackupId id = new(new DateTimeOffset(2026, 11, 20, 3, 0, 0, 999, TimeSpan.FromHours(1)));

        Assert.Equal("20261120T020000Z", id.ToString());
        Assert.True(BackupId.TryParse("20261120T020000Z", out BackupId? parsed));
        Assert.Equal(id, parsed);
        Assert.True(id < new BackupId(id.Instant.AddSeconds(1)) && id >= parsed!);
    }

    [Theory]
    [InlineData("20261120T020000")]
    [InlineData("20261320T020000Z")]
    [InlineData("20261120T020000Z ")]
    [InlineData("20261120T020000+01")]
    [InlineData("")]
    public void An_invalid_instant_is_not_an_id(string text)
    {
        Assert.False(BackupId.TryParse(text, out BackupId? id));
        Assert.Null(id);
    }

    [Fact]
    public void An_overlay_of_this_program_is_recognized()
    {
        string name = OverlayName.Create(
            Guid.Parse("5b4f6f0e-6a2f-4a53-9f0e-0123456789ab"), new DiskTarget("vda"),
            new BackupId(new DateTimeOffset(2026, 11, 20, 2, 0, 0, TimeSpan.Zero)), 0xa);

        Assert.Equal("kvmbackup.5b4f6f0e-6a2f-4a53-9f0e-0123456789ab.vda.20261120T020000Z.0000000a.qcow2", name);
        Assert.True(OverlayName.IsOurs($"/a folder/{name}"));
        Assert.False(OverlayName.IsOurs($"{name}.old"));
        Assert.False(OverlayName.IsOurs($"/{name}/web1.qcow2"));
        Assert.False(OverlayName.IsOurs("kvmbackup.qcow2"));
        Assert.True(OverlayName.IsPredecessors("/images/snapshot_web1_vda-1a2b3c4d.img"));
        Assert.False(OverlayName.IsPredecessors("/images/snapshot.img"));
    }

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(999, "999 B")]
    [InlineData(1000, "0.98 KiB")]
    [InlineData(1024, "1.00 KiB")]
    [InlineData(245366784, "234 MiB")]
    [InlineData(1299227607, "1.21 GiB")]
    [InlineData(1e18, "888 PiB")]
    public void A_size_has_three_digits(double bytes, string text) => Assert.Equal(text, ByteSize.Format(bytes));
}
