using KvmBackup.Storage;

namespace KvmBackup.Tests.Storage;

public sealed class DomainDirectoryTests : IAsyncLifetime
{
    private readonly DomainFixture fixture = new();

    public Task InitializeAsync() => fixture.InitializeAsync();

    public Task DisposeAsync() => fixture.DisposeAsync();

    [Fact]
    public async Task Backups_are_listed_newest_first_whatever_their_kind()
    {
        _ = await fixture.PublishAsync(3, BackupKind.Incremental);
        _ = await fixture.PublishAsync(10);
        _ = await fixture.PublishAsync(2, BackupKind.Differential);
        Assert.Equal(
            ["20261110T020000Z-full", "20261103T020000Z-incr", "20261102T020000Z-diff"],
            fixture.Domain.List().Backups.Select(backup => Path.GetFileName(backup.DirectoryPath)));
    }

    [Fact]
    public void A_domain_without_a_folder_has_no_backups() =>
        Assert.Empty(fixture.Root.ForDomain(new DomainName("none")).List().Backups);

    [Fact]
    public async Task Without_an_ID_no_backup_is_found_while_one_is_later_than_the_clock()
    {
        _ = await fixture.PublishAsync(3);
        _ = await Support.BackupSamples.PublishAsync(
            fixture.Domain, fixture.Held, id: new BackupId(DateTimeOffset.MaxValue));

        StorageException failure = Assert.Throws<StorageException>(() => fixture.Domain.Find(null));

        Assert.Equal(ExitCode.Usage, failure.ExitCode);
        Assert.Contains("99991231T235959Z is later", failure.Message, StringComparison.Ordinal);
        Assert.Contains("for example web1@20261103T020000Z", failure.Message, StringComparison.Ordinal);
        Assert.Equal("20261103T020000Z", fixture.Domain.Find("20261103").Id.ToString());
        Assert.Equal("99991231T235959Z", fixture.Domain.Find("9999").Id.ToString());
    }

    [Fact]
    public async Task Damaged_backups_are_reported_and_not_counted()
    {
        await BreakAsync(1, path => File.Delete(Path.Combine(path, "manifest.json")));
        await BreakAsync(2, path => File.Delete(Path.Combine(path, "web1.tar.gz")));
        await BreakAsync(3, path => File.AppendAllText(Path.Combine(path, "web1.tar.gz"), "more"));
        await BreakAsync(4, path => File.WriteAllText(Path.Combine(path, "manifest.json"), "{"));
        await BreakAsync(
            5, path => Directory.Move(path, path.Replace("20261105", "20261106", StringComparison.Ordinal)));
        await BreakAsync(7, path => Replace(path, "\"format_version\": 2", "\"format_version\": 3"));
        _ = await fixture.PublishAsync(8);

        BackupCatalogue catalogue = fixture.Domain.List();

        Assert.Equal("20261108T020000Z", Assert.Single(catalogue.Backups).Id.ToString());
        string[] expected =
        [
            "There is no manifest", "is missing", "has 11 bytes; its manifest requires 7", "is damaged",
            "its manifest is that of 20261105T020000Z-full", "(format 3); this one reads format 2: upgrade",
        ];
        Assert.Equal(expected.Length, catalogue.Unusable.Count);
        Assert.All(catalogue.Unusable.Zip(expected), pair =>
            Assert.Contains(pair.Second, pair.First.Reason, StringComparison.Ordinal));
        Assert.Equal(
            [UnusableCause.Damaged, UnusableCause.Damaged, UnusableCause.Damaged, UnusableCause.Damaged,
                UnusableCause.Damaged,
                UnusableCause.OtherFormat],
            catalogue.Unusable.Select(entry => entry.Cause));
    }

    [Fact]
    public async Task Foreign_entries_are_reported_and_not_changed()
    {
        CompletedBackup real = await fixture.PublishAsync(9);
        string elsewhere = Directory.CreateDirectory(Path.Combine(fixture.Root.DirectoryPath, "elsewhere")).FullName;
        File.WriteAllText(Path.Combine(elsewhere, "precious"), "x");
        _ = Directory.CreateSymbolicLink(fixture.PathOf("20261101T020000Z-full"), real.DirectoryPath);
        _ = Directory.CreateSymbolicLink(fixture.PathOf("20261102T020000Z-full.partial"), elsewhere);
        _ = Directory.CreateSymbolicLink(fixture.PathOf("20261103T020000Z-full"), "/nowhere");
        _ = Directory.CreateDirectory(fixture.PathOf("old stuff"));
        File.WriteAllText(fixture.PathOf("20261104T020000Z-full"), "a file");
        File.WriteAllText(fixture.PathOf("README"), "an operator's");

        BackupCatalogue catalogue = fixture.Domain.List();

        Assert.Equal(real.Id, Assert.Single(catalogue.Backups).Id);
        Assert.Equal(5, catalogue.Unusable.Count);
        Assert.All(catalogue.Unusable, entry => Assert.Equal(UnusableCause.Foreign, entry.Cause));
        Assert.Equal(0, fixture.Domain.RemoveLeftovers(fixture.Held));
        Assert.True(File.Exists(Path.Combine(elsewhere, "precious")));
    }

    [Fact]
    public async Task A_backup_is_found_by_any_unique_prefix_of_its_timestamp()
    {
        _ = await fixture.PublishAsync(1);
        _ = await fixture.PublishAsync(12);
        _ = await fixture.PublishAsync(13);
        Assert.Equal("20261113T020000Z", fixture.Domain.Find(null).Id.ToString());
        Assert.Equal("20261101T020000Z", fixture.Domain.Find("2026110").Id.ToString());
        Assert.Equal("20261112T020000Z", fixture.Domain.Find("20261112T020000Z-full").Id.ToString());

        StorageException ambiguous = Assert.Throws<StorageException>(() => fixture.Domain.Find("2026111"));
        Assert.Contains("20261113T020000Z, 20261112T020000Z", ambiguous.Message, StringComparison.Ordinal);
        StorageException none = Assert.Throws<StorageException>(() => fixture.Domain.Find("2025"));
        Assert.Contains("20261101T020000Z", none.Message, StringComparison.Ordinal);
        Assert.Equal((ExitCode.Usage, ExitCode.Usage), (ambiguous.ExitCode, none.ExitCode));
    }

    [Fact]
    public async Task A_request_for_a_damaged_backup_reports_the_damage()
    {
        await BreakAsync(1, path => File.Delete(Path.Combine(path, "web1.tar.gz")));
        StorageException failure = Assert.Throws<StorageException>(() => fixture.Domain.Find("20261101"));
        Assert.Equal(ExitCode.DamageFound, failure.ExitCode);
        Assert.Contains("archive 'web1.tar.gz' is missing", failure.Message, StringComparison.Ordinal);
    }

    private async Task BreakAsync(int day, Action<string> harm) =>
        harm((await fixture.PublishAsync(day)).DirectoryPath);

    private static void Replace(string directoryPath, string from, string to)
    {
        string manifest = Path.Combine(directoryPath, "manifest.json");
        string text = File.ReadAllText(manifest);
        Assert.Contains(from, text, StringComparison.Ordinal);
        File.WriteAllText(manifest, text.Replace(from, to, StringComparison.Ordinal));
    }
}
