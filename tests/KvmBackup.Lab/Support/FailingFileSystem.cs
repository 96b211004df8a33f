namespace KvmBackup.Lab.Support;

/// <summary>An ext4 file system on a failing disk: after a switch flushes end with an I/O error.</summary>
public sealed class FailingFileSystem : IAsyncDisposable
{
    private readonly FailingFile device;
    private readonly string path;

    private FailingFileSystem(FailingFile device, string path) => (this.device, this.path) = (device, path);

    /// <summary>Mounts it over a directory, without faults.</summary>
    public static async Task<FailingFileSystem> MountAsync(string path)
    {
        string image = Path.Combine(LabEnvironment.NewDirectory("dying"), "image");
        (await RunningProgram.RunAsync("truncate", "--size", "400M", image)).MustSucceed();
        (await RunningProgram.RunAsync("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", image))
            .MustSucceed();
        FailingFile device = await FailingFile.MountAsync(image);
        (await RunningProgram.RunAsync("mount", "-o", "loop", image, path)).MustSucceed();
        return new FailingFileSystem(device, path);
    }

    /// <summary>Makes all writes fail; reads still succeed.</summary>
    public Task FailAsync() => device.FailWritesAsync();

    public async ValueTask DisposeAsync()
    {
        _ = await RunningProgram.RunAsync("umount", "--lazy", path);
        await device.DisposeAsync();
    }
}
