namespace KvmBackup.Lab.Support;

/// <summary>Images in the lab's cluster without a guest; they are removed at the end of the test.</summary>
public sealed class StandaloneImages : IAsyncDisposable
{
    private const long Size = 24L << 20;

    private readonly List<LabRbdImage> made = [];

    public Task<LabRbdImage> CreateAsync(string name) => CreateAsync(new LabRbdImage(name));

    public async Task<LabRbdImage> CreateAsync(LabRbdImage image)
    {
        await LabCeph.EnsureStartedAsync();
        made.Add(image);
        await LabCeph.ImportAsync(Content(image.Image.Length), image);
        return image;
    }

    /// <summary>Writes at some places of an image.</summary>
    public static Task<string> ChangeAsync(LabRbdImage image) => LabCeph.RbdAsync(
        "bench", "--io-type", "write", "--io-size", "65536", "--io-total", "262144", "--io-pattern", "rand",
        "--io-threads", "1", image.Specification);

    /// <summary>SHA-256 of an image, optionally at a snapshot, from <c>rbd export</c>.</summary>
    public static async Task<string> ChecksumAsync(string specification)
    {
        string path = Path.Combine(LabEnvironment.NewDirectory("export"), "raw");
        await LabCeph.ExportAsync(specification, path);
        return Folder.Checksum(path);
    }

    /// <summary>The name of its backups.</summary>
    public static string NameOf(LabRbdImage image) => $"rbd:{image.Specification}";

    /// <summary>The folder of its backups.</summary>
    public static string FolderOf(LabRbdImage image) => new DomainName(NameOf(image)).FileName;

    public async ValueTask DisposeAsync()
    {
        foreach (LabRbdImage image in made)
        {
            await LabCeph.RemoveAsync(image);
        }
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
}
