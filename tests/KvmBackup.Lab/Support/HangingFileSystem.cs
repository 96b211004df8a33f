using System.Globalization;

namespace KvmBackup.Lab.Support;

/// <summary>
/// A small ext4 file system whose writes can be made to hang in the kernel, beyond the reach of signals, like those to
/// a share of an unreachable server. A test cannot make it hang for more than three minutes.
/// </summary>
public sealed class HangingFileSystem : IAsyncDisposable
{
    private const int LongestHangSeconds = 150;
    private readonly string path;

    private HangingFileSystem(string path) => this.path = path;

    /// <summary>Mounts it over a directory.</summary>
    public static async Task<HangingFileSystem> MountAsync(string path, int mebibytes)
    {
        string image = Path.Combine(LabEnvironment.NewDirectory("hanging"), "image");
        string size = mebibytes.ToString(CultureInfo.InvariantCulture);
        (await RunningProgram.RunAsync("truncate", "--size", $"{size}M", image)).MustSucceed();
        (await RunningProgram.RunAsync("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", image))
            .MustSucceed();
        (await RunningProgram.RunAsync("mount", "-o", "loop", image, path)).MustSucceed();
        return new HangingFileSystem(path);
    }

    /// <summary>Calls a function while every write hangs, and always resumes the writes afterwards.</summary>
    public async Task WhileHangingAsync(Func<Task> action)
    {
        // If the test is killed, the shell resumes the writes: a process in such a write cannot be killed, nor the lab
        // end.
        string seconds = LongestHangSeconds.ToString(CultureInfo.InvariantCulture);
        const string Script =
            "fsfreeze --freeze \"$1\" && { (sleep \"$2\"; fsfreeze --unfreeze \"$1\") </dev/null >/dev/null 2>&1 & }";
        (await RunningProgram.RunAsync("setsid", "sh", "-c", Script, "sh", path, seconds)).MustSucceed();
        try
        {
            await action();
        }
        finally
        {
            (await RunningProgram.RunAsync("fsfreeze", "--unfreeze", path)).MustSucceed();
        }
    }

    public async ValueTask DisposeAsync() => _ = await RunningProgram.RunAsync("umount", "--lazy", path);
}
