namespace KvmBackup.Lab.Support;

/// <summary>An ext4 file system on a disk that dies: what is flushed to it ends with an I/O error from a moment on.</summary>
public sealed class FailingFileSystem : IAsyncDisposable
{
    private readonly FailingFile device;
    private readonly string path;

    private FailingFileSystem(FailingFile device, string path) => (this.device, this.path) = (device, path);

    /// <summary>Lays it over a directory, in good health.</summary>
    public static async Task<FailingFileSystem> MountAsync(string path)
    {
        string image = Path.Combine(LabEnvironment.NewDirectory("dying"), "image");
        (await RunningProgram.RunAsync("truncate", "--size", "400M", image)).MustSucceed();
        (await RunningProgram.RunAsync("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", image)).MustSucceed();
        FailingFile device = await FailingFile.MountAsync(image);
        (await RunningProgram.RunAsync("mount", "-o", "loop", image, path)).MustSucceed();
        return new FailingFileSystem(device, path);
    }

    /// <summary>From now on it can be read, and no longer written.</summary>
    public Task FailAsync() => device.FailWritesAsync();

    public async ValueTask DisposeAsync()
    {
        _ = await RunningProgram.RunAsync("umount", "--lazy", path);
        await device.DisposeAsync();
    }
}
