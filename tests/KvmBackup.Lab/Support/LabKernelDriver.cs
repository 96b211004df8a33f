using System.Diagnostics;

namespace KvmBackup.Lab.Support;

/// <summary>
/// Simulates the kernel's RBD driver on a host without it: QEMU's storage daemon exports the image as a file
/// through FUSE, a loop device makes a device of it, and <c>/dev</c> and <c>/sys/bus</c> of the lab get the names of
/// udev and the driver. Those of the host are not touched, because the lab has its own mounts.
/// </summary>
public sealed class LabKernelDriver : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private const string LayOver = """
        set -e
        mount -t tmpfs -o mode=755 tmpfs "$1"
        mkdir "$1"/upper "$1"/work "$1"/dev "$1"/bus
        mount --rbind /dev "$1"/dev
        mount -t overlay -o lowerdir=/dev,upperdir="$1"/upper,workdir="$1"/work overlay /dev
        for directory in pts shm mqueue; do
          [ ! -d "$1"/dev/$directory ] || mount --rbind "$1"/dev/$directory /dev/$directory
        done
        mount -t tmpfs -o mode=755 tmpfs "$1"/bus
        for entry in /sys/bus/*; do mkdir "$1"/bus/"${entry##*/}"; mount --rbind "$entry" "$1"/bus/"${entry##*/}"; done
        mkdir -p "$1"/bus/rbd/devices
        mount --move "$1"/bus /sys/bus
        """;

    private const string MakeDevice = """
        set -e
        loop=$(losetup --find --show "$1")
        printf %s "$loop"
        mknod "/dev/rbd$2" b $((16#$(stat -c %t "$loop"))) $((16#$(stat -c %T "$loop")))
        mkdir -p "$(dirname "/dev/rbd/$3")"
        ln -s "/dev/rbd$2" "/dev/rbd/$3"
        """;

    private readonly Dictionary<int, (RunningProgram Daemon, string Loop, string Link)> mapped = [];

    private LabKernelDriver()
    {
    }

    /// <summary>Mounts it over the lab's <c>/dev</c> and <c>/sys/bus</c>.</summary>
    public static async Task<LabKernelDriver> StartAsync()
    {
        (await RunningProgram.RunAsync("bash", "-c", LayOver, "lay-over", LabEnvironment.NewDirectory("krbd")))
            .MustSucceed();
        return new LabKernelDriver();
    }

    /// <summary>The path of a mapped image by udev.</summary>
    public static string PathOf(LabRbdImage image) => $"/dev/rbd/{image.Specification}";

    /// <summary>A file of the driver about a device.</summary>
    public static string EntryOf(int number, string name) => $"/sys/bus/rbd/devices/{number}/{name}";

    /// <summary>Maps an image, as <c>rbd map</c> and udev do.</summary>
    /// <returns>The number of its device.</returns>
    public async Task<int> MapAsync(LabRbdImage image)
    {
        int number = mapped.Count == 0 ? 0 : mapped.Keys.Max() + 1;
        string shown = Path.Combine(LabEnvironment.NewDirectory("mapped"), "image");
        await File.WriteAllBytesAsync(shown, []);
        RunningProgram daemon = RunningProgram.Start("qemu-storage-daemon",
        [
            "--blockdev", $"driver=rbd,node-name=image,pool={image.Pool},image={image.Image},cache.direct=on",
            "--export", $"type=fuse,id=export,node-name=image,mountpoint={shown},writable=on",
        ]);
        Stopwatch clock = Stopwatch.StartNew();
        while (new FileInfo(shown).Length == 0)
        {
            Assert.True(clock.Elapsed < Limit, $"{image} is not exported:\n{daemon.ErrorSoFar}");
            await Task.Delay(50);
        }

        string loop = (await RunningProgram.RunAsync(
            "bash", "-c", MakeDevice, "make-device", shown, $"{number}", image.Specification))
            .MustSucceed().Output.Trim();
        mapped.Add(number, (daemon, loop, PathOf(image)));
        string id = (await LabCeph.RbdAsync("info", "--format", "json", image.Specification)).Split("\"id\":\"")[1]
            .Split('"')[0];
        Directory.CreateDirectory(EntryOf(number, string.Empty));
        foreach ((string name, string text) in new[]
        {
            ("pool", image.Pool), ("pool_ns", image.Namespace ?? string.Empty), ("name", image.Image), ("image_id", id),
            ("current_snap", "-"),
        })
        {
            await File.WriteAllTextAsync(EntryOf(number, name), text + "\n");
        }

        return number;
    }

    /// <summary>Removes a device, as <c>rbd unmap</c> does.</summary>
    public async Task UnmapAsync(int number)
    {
        (RunningProgram daemon, string loop, string link) = mapped[number];
        mapped.Remove(number);
        File.Delete(link);
        File.Delete($"/dev/rbd{number}");
        Directory.Delete(EntryOf(number, string.Empty), recursive: true);
        _ = await RunningProgram.RunAsync("losetup", "--detach", loop);
        await daemon.SignalAsync("TERM");
        _ = await daemon.WaitAsync(Limit);
        await daemon.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (int number in mapped.Keys.ToArray())
        {
            await UnmapAsync(number);
        }

        (await RunningProgram.RunAsync("umount", "--lazy", "--recursive", "/sys/bus")).MustSucceed();
        (await RunningProgram.RunAsync("umount", "--lazy", "--recursive", "/dev")).MustSucceed();
    }
}
