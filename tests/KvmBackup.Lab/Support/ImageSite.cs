using System.Text.Json;

namespace KvmBackup.Lab.Support;

/// <summary>A guest that is shut off, with one disk in the cluster, and its backups: fast to change and to
/// compare.</summary>
public sealed class ImageSite : IAsyncDisposable
{
    public const string Keys = "rotate: 30, full_every: 30, stall_timeout: 5s";

    private ImageSite(LabGuest guest, LabRbdImage image)
    {
        Guest = guest;
        Image = image;
        Site = new BackupSite((guest.Name, Keys));
    }

    public LabGuest Guest { get; }

    public BackupSite Site { get; }

    /// <summary>The current image of the disk.</summary>
    public LabRbdImage Image { get; private set; }

    /// <summary>Defines the guest, whose image already has a file system.</summary>
    public static async Task<ImageSite> CreateAsync(string name, LabRbdImage image) => new(
        await LabGuest.DefineAsync(new LabGuestSpecification(name) { Disks = [new LabDisk("vda") { Rbd = image }] }),
        image);

    /// <summary>Defines the guest with another image.</summary>
    public Task UseAsync(LabRbdImage image)
    {
        string before = Image.Specification;
        Image = image;
        return RedefineAsync(xml => xml.Replace($"'{before}'", $"'{image.Specification}'", StringComparison.Ordinal));
    }

    /// <summary>Defines the guest with a changed definition.</summary>
    public async Task RedefineAsync(Func<string, string> change)
    {
        string path = Path.Combine(LabEnvironment.NewDirectory("definition"), "domain.xml");
        string before = await Virsh.RunAsync("dumpxml", "--inactive", Guest.Name);
        string after = change(before);
        Assert.NotEqual(before, after);
        await File.WriteAllTextAsync(path, after);
        await Virsh.RunAsync("define", path);
    }

    /// <summary>Writes to the image by commands of <c>qemu-io</c>.</summary>
    public async Task ChangeAsync(params string[] commands) => (await RunningProgram.RunAsync(
        "qemu-io",
        ["-d", "unmap", "-f", "raw", .. commands.SelectMany(command => new[] { "-c", command }),
            $"rbd:{Image.Specification}"]))
        .MustSucceed();

    /// <summary>Backs up, and compares the restored content with the image in the cluster.</summary>
    /// <returns>The entry of the report.</returns>
    public async Task<JsonElement> AssertBackupAsync(string kind)
    {
        JsonElement job = await Site.BackUpAsync(Guest.Name);
        Assert.Equal(kind, job.GetProperty("backup").GetProperty("kind").GetString());
        await AssertNewestIsAtItsSnapshotAsync();
        return job;
    }

    /// <summary>Compares the restored content of the newest backup with the image at its snapshot.</summary>
    public async Task AssertNewestIsAtItsSnapshotAsync()
    {
        LabRbdSnapshot snapshot = Assert.Single(
            await LabCeph.SnapshotsAsync(Image), other =>
                other.Name.StartsWith("kvmbackup.", StringComparison.Ordinal));
        string expected = Path.Combine(LabEnvironment.NewDirectory("expected"), "image");
        string found = LabEnvironment.NewDirectory("found");
        await LabCeph.ExportAsync(Image.At(snapshot.Name), expected);
        (await Site.RunAsync("restore", Guest.Name, "--to", found)).MustSucceed();
        Assert.Equal(
            Folder.Checksum(expected),
            Folder.Checksum(Assert.Single(Directory.GetFiles(found, "*.raw", SearchOption.AllDirectories))));
    }

    /// <summary>Runs a backup that must fail and change nothing: neither backups nor snapshots nor the
    /// journal.</summary>
    /// <returns>The output.</returns>
    public Task<string> AssertRefusedAsync() => AssertRefusedAsync(() => Site.RunAsync("run"));

    /// <inheritdoc cref="AssertRefusedAsync()"/>
    /// <param name="runAsync">Starts the backup.</param>
    public async Task<string> AssertRefusedAsync(Func<Task<Outcome>> runAsync)
    {
        string before = DescribeBackups();
        Outcome outcome = (await runAsync()).MustEndWith(1);
        Assert.Contains("NOT BACKED UP", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(before, DescribeBackups());
        Assert.Empty(Site.JournalEntries);
        return outcome.Output;
    }

    private string DescribeBackups() => string.Join('\n', Site.BackupDirectories(Guest.Name).Select(Folder.Describe));

    public ValueTask DisposeAsync() => Guest.DisposeAsync();
}
