using KvmBackup.Storage;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Storage;

public sealed class BackupDirectoryTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Only_the_last_component_is_created_and_the_probe_is_removed()
    {
        BackupDirectory directory = Open("backup");
        directory.EnsureUsable();
        directory.EnsureUsable();
        Assert.Empty(Directory.GetFileSystemEntries(directory.DirectoryPath));
        Assert.InRange(directory.AvailableBytes, 1, long.MaxValue);
    }

    [Fact]
    public void A_missing_parent_asks_for_the_mount() => Refuse(Open("not/there"), "Is the share mounted?");

    [Fact]
    public void A_file_in_place_of_the_directory_is_reported()
    {
        File.WriteAllText(folder.PathOf("backup"), "x");
        Refuse(Open("backup"), "is a file");
    }

    [Fact]
    public void A_directory_that_cannot_be_written_is_reported() =>
        Refuse(new BackupDirectory("/proc/sys/kernel", TimeProvider.System), "cannot be written");

    [Fact]
    public void A_missing_directory_has_the_free_space_of_its_parent_and_no_domains()
    {
        Assert.True(Open("backup").AvailableBytes > 0);
        _ = Assert.Throws<StorageException>(() => Open("not/there").AvailableBytes);
        StorageException failure = Assert.Throws<StorageException>(() => Open("backup").ListDomains());
        Assert.Contains("Is the share mounted?", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_full_file_system_is_reported_with_a_hint()
    {
        using FileStream full = new("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        IOException failure = Assert.ThrowsAny<IOException>(() => full.WriteByte(1));
        StorageException reported = StorageException.From(failure, "The archive cannot be written");
        Assert.Contains("The file system is full: free space", reported.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Domains_are_listed_by_the_names_that_their_folders_encode()
    {
        string[] names = ["web1", "büro 1", "..", "../../etc", "50%", "50%25", ".hidden", "a\\b", "-x", "Ω/ω", "web1 ",
            "a\tb", "a\u007fb", "a\u0085b"];
        BackupDirectory directory = Open("backup");
        directory.EnsureUsable();
        foreach (string name in names)
        {
            DomainDirectory domain = directory.ForDomain(new DomainName(name));
            Assert.Equal(directory.DirectoryPath, Path.GetDirectoryName(domain.DirectoryPath));
            using DomainLock held = await domain.LockAsync(TimeSpan.Zero, CancellationToken.None);
            _ = await BackupSamples.PublishAsync(domain, held, name);
            Assert.Equal(name, domain.Find(null).Domain.Value);
        }

        foreach (string other in new[] { "lost+found", "empty", "%zz", "%2e." })
        {
            _ = Directory.CreateDirectory(Path.Combine(directory.DirectoryPath, other, "something"));
        }

        _ = Directory.CreateDirectory(Path.Combine(directory.DirectoryPath, "%2f", "20261101T020000Z-full"));

        Assert.Equal(names.Order(StringComparer.Ordinal), directory.ListDomains().Select(name => name.Value));
    }

    [Theory]
    [InlineData("20261120T020000Z-full", true), InlineData("20261120T020000Z-incr.partial", true)]
    [InlineData("20261120T020000Z", false), InlineData("20261320T020000Z-full", false)]
    [InlineData("20261120T020000Z-full.partial.partial", false), InlineData(" 20261120T020000Z-full", false)]
    [InlineData(
        "20261120t020000z-full", false), InlineData("20261120T020000Z-Full", false), InlineData(".partial", false)]
    public void Names_are_ours_only_when_they_are_exactly_so(string name, bool isOurs)
    {
        BackupDirectory directory = Open("backup");
        directory.EnsureUsable();
        _ = Directory.CreateDirectory(Path.Combine(directory.DirectoryPath, "web1", name));
        UnusableEntry entry = Assert.Single(directory.ForDomain(new DomainName("web1")).List().Unusable);
        Assert.True(isOurs == (entry.Cause != UnusableCause.Foreign), entry.Reason);
    }

    [Fact]
    public async Task A_name_too_long_for_a_folder_is_reported()
    {
        BackupDirectory directory = Open("backup");
        directory.EnsureUsable();
        DomainDirectory domain = directory.ForDomain(new DomainName(new string('x', 300)));
        StorageException failure = await Assert.ThrowsAsync<StorageException>(
            () => domain.LockAsync(TimeSpan.Zero, CancellationToken.None));
        Assert.Contains("too long", failure.Message, StringComparison.Ordinal);
    }

    private static void Refuse(BackupDirectory directory, string reason)
    {
        StorageException failure = Assert.Throws<StorageException>(directory.EnsureUsable);
        Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
        Assert.Contains(directory.DirectoryPath, failure.Message, StringComparison.Ordinal);
    }

    private BackupDirectory Open(string name) => new(folder.PathOf(name), TimeProvider.System);
}
