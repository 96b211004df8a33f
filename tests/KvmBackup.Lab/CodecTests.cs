using System.Text.Json;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Every archive is a standard one: GNU tar, qemu-img and sha256sum read it, and holes are
/// preserved.</summary>
public sealed class CodecTests
{
    private const long RawSize = 256L << 20;

    [LabFact]
    public Task Plain_tar_unpacks_an_archive_of_pigz() => AssertOrdinaryAsync("pigz", ".tar.gz", "pigz");

    [LabFact]
    public Task Plain_tar_unpacks_an_archive_of_gzip() => AssertOrdinaryAsync("gzip", ".tar.gz", "gzip");

    [LabFact]
    public Task Plain_tar_unpacks_an_archive_of_zstd() => AssertOrdinaryAsync("zstd", ".tar.zst", "zstd");

    [LabFact]
    public Task Plain_tar_unpacks_an_archive_of_igzip() => AssertOrdinaryAsync("igzip", ".tar.gz", "igzip");

    [LabFact]
    public Task Plain_tar_unpacks_an_archive_of_bzip2() => AssertOrdinaryAsync("bzip2", ".tar.bz2", "bzip2");

    [LabFact]
    public Task Plain_tar_unpacks_an_uncompressed_archive() => AssertOrdinaryAsync("none", ".tar", tester: null);

    /// <summary>A guest that is shut off: the content of its images must be the result of the extraction.</summary>
    private static async Task AssertOrdinaryAsync(string codec, string extension, string? tester)
    {
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification($"codec-{codec}")
        {
            Disks =
            [
                new LabDisk("vda") { ContentDirectory = Folder.WithRandomFile("random", 7_000_001) },
                new LabDisk("vdb")
                {
                    Format = "raw", SizeBytes = RawSize, ContentDirectory = Folder.WithRandomFile("few", 300_007),
                },
            ],
        });
        BackupSite site = new((guest.Name, $"rotate: 2, compression: {codec}"));
        _ = await site.BackUpAsync(guest.Name);
        string archive = site.NewestArchive(guest.Name);
        Assert.EndsWith(extension, archive, StringComparison.Ordinal);
        if (tester is not null)
        {
            (await RunningProgram.RunAsync(tester, "-t", archive)).MustSucceed();
        }

        await AssertChecksumsAsync(Path.GetDirectoryName(archive)!);
        string unpacked = await UnpackAsync(guest.Name, archive);
        string restored = LabEnvironment.NewDirectory("restored");
        (await site.RunAsync("restore", guest.Name, "--to", restored)).MustSucceed();

        foreach (string disk in new[] { "vda.qcow2", "vdb.raw" })
        {
            string original = Folder.Checksum(Path.Combine(guest.DirectoryPath!, disk));
            Assert.Equal(original, Folder.Checksum(Path.Combine(unpacked, disk)));
            Assert.Equal(original, Folder.Checksum(Path.Combine(restored, $"{guest.Name}-{disk}")));
        }

        await LabImage.CheckAsync(Path.Combine(unpacked, "vda.qcow2"));
        await AssertHolesAsync(
            guest, Path.Combine(unpacked, "vdb.raw"), Path.Combine(restored, $"{guest.Name}-vdb.raw"));
        JsonElement verified = await site.ReportAsync("verify", guest.Name);
        Assert.True(verified.GetProperty("results")[0].GetProperty("is_intact").GetBoolean());
    }

    private static async Task AssertChecksumsAsync(string directory)
    {
        Outcome checksums = await RunningProgram.RunAsync(
            "bash", "-c", "cd \"$1\" && sha256sum --strict -c SHA256SUMS", "bash", directory);
        string[] lines = checksums.MustSucceed().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(lines, line => Assert.EndsWith(": OK", line, StringComparison.Ordinal));
        IEnumerable<string> files = Directory.GetFiles(directory).Select(Path.GetFileName).OfType<string>();
        Assert.Equal(
            files.Where(file => file != "SHA256SUMS").Order(),
            lines.Select(line => line.Split(": ")[0]).Order());
    }

    private static async Task<string> UnpackAsync(string domain, string archive)
    {
        Outcome listing = (await RunningProgram.RunAsync("tar", "-tf", archive)).MustSucceed();
        Assert.Equal("", listing.Error);
        string[] members = listing.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(
            ["domain.xml", "live.xml", "migratable.xml", "RESTORE.md", "vda.qcow2", "vdb.raw"],
            (string expected) => Assert.Contains($"{domain}/{expected}", members));

        string folder = LabEnvironment.NewDirectory("unpacked");
        Outcome unpacking = await RunningProgram.RunAsync("tar", "-xf", archive, "-C", folder);
        Assert.Equal("", unpacking.MustSucceed().Error);
        return Path.Combine(folder, domain);
    }

    private static async Task AssertHolesAsync(LabGuest guest, params IEnumerable<string> copies)
    {
        long original = await LabImage.AllocatedBytesAsync(Path.Combine(guest.DirectoryPath!, "vdb.raw"));
        Assert.InRange(original, 1, RawSize / 8);
        foreach (string copy in copies)
        {
            Assert.Equal(RawSize, new FileInfo(copy).Length);

            // Blocks of the file system and of tar are not aligned equally.
            Assert.InRange(await LabImage.AllocatedBytesAsync(copy), 1, original + (4 << 20));
        }
    }
}
