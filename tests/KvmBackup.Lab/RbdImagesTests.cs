using System.Text.Json;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Images in a Ceph cluster that no guest has, each a backup of its own.</summary>
public sealed class RbdImagesTests
{
    private const long Size = 24L << 20;

    [LabFact]
    public async Task Each_image_is_a_backup_of_its_own_and_every_point_of_it_comes_back_byte_for_byte()
    {
        LabRbdImage first = await CreateAsync("own-1", seed: 1);
        LabRbdImage other = await CreateAsync("own-2", seed: 2);
        BackupSite site = new();
        site.ConfigureImages(("volumes", "pool: rbd, name: \"own-*\", rotate: 9, full_every: {points: 3}, verify: true"));
        List<(string Id, string Checksum)> points = [];
        foreach (string kind in new[] { "full", "incremental", "incremental", "full" })
        {
            await ChangeAsync(first);
            JsonElement jobs = (await site.ReportAsync("run")).GetProperty("jobs");
            Assert.Equal([NameOf(first), NameOf(other)], jobs.EnumerateArray().Select(job => job.GetProperty("domain").GetString()));
            JsonElement backup = jobs[0].GetProperty("backup");
            Assert.Equal(kind, backup.GetProperty("kind").GetString());
            Assert.Equal("crash", backup.GetProperty("consistency").GetString());
            Assert.Empty(jobs[0].GetProperty("warnings").EnumerateArray());
            Assert.Single(await LabCeph.SnapshotsAsync(first));
            points.Add((backup.GetProperty("id").GetString()!, await ChecksumAsync(first)));
        }

        (await site.RunAsync("verify", "--all")).MustSucceed();
        foreach ((string id, string checksum) in points)
        {
            string folder = LabEnvironment.NewDirectory("restored");
            (await site.RunAsync("restore", $"{NameOf(first)}@{id}", "--to", folder)).MustSucceed();
            Assert.Equal(checksum, Folder.Checksum(Assert.Single(Directory.GetFiles(folder))));
        }

        Assert.Equal(4, points.Select(point => point.Checksum).Distinct().Count());
        Assert.Empty(site.JournalEntries);
        await RemoveAsync(first, other);
    }

    private static string NameOf(LabRbdImage image) => $"rbd:{image.Specification}";

    private static async Task<LabRbdImage> CreateAsync(string name, int seed)
    {
        await LabCeph.EnsureStartedAsync();
        LabRbdImage image = new(name);
        await LabCeph.ImportAsync(Content(seed), image);
        return image;
    }

    /// <summary>A raw disk with data, holes and data that looks like a hole.</summary>
    private static string Content(int seed)
    {
        string path = Path.Combine(LabEnvironment.NewDirectory("content"), "raw");
        byte[] data = new byte[3 << 20];
        new Random(seed).NextBytes(data);
        using FileStream file = File.Create(path);
        file.SetLength(Size);
        file.Write(data);
        file.Position = 13 << 20;
        file.Write(data, 0, 1 << 20);
        return path;
    }

    private static Task<string> ChangeAsync(LabRbdImage image) => LabCeph.RbdAsync(
        "bench", "--io-type", "write", "--io-size", "65536", "--io-total", "262144", "--io-pattern", "rand",
        "--io-threads", "1", image.Specification);

    private static async Task<string> ChecksumAsync(LabRbdImage image)
    {
        string path = Path.Combine(LabEnvironment.NewDirectory("export"), "raw");
        await LabCeph.ExportAsync(image.Specification, path);
        return Folder.Checksum(path);
    }

    private static async Task RemoveAsync(params IEnumerable<LabRbdImage> images)
    {
        foreach (LabRbdImage image in images)
        {
            await LabCeph.RemoveAsync(image);
        }
    }
}
