using System.Globalization;

namespace KvmBackup.Lab.Support;

/// <summary>Creates disk images: an ext4 file system in a raw file, a qcow2 or an RBD image; a qcow2 on a
/// template.</summary>
public static class LabImage
{
    public static async Task CreateAsync(LabDisk disk, string path)
    {
        if (disk.BackingPath is { } backing)
        {
            await QemuImgAsync("create", "-q", "-f", "qcow2", "-b", backing, "-F", disk.BackingFormat, path);
            return;
        }

        string raw = disk.Format == "raw" && disk.Rbd is null ? path : path + ".new";
        await using (FileStream file = new(raw, FileMode.CreateNew))
        {
            file.SetLength(disk.SizeBytes);
        }

        if (disk.Device != "floppy")
        {
            // Lazy initialisation would write in the guest for seconds; checksums and journal are required.
            string[] content = disk.ContentDirectory is { } directory ? ["-d", directory] : [];
            string[] eager = ["-E", "lazy_itable_init=0,lazy_journal_init=0"];
            (await RunningProgram.RunAsync("mkfs.ext4", ["-q", "-F", .. eager, .. content, raw])).MustSucceed();
        }

        if (disk.Rbd is { } image)
        {
            await LabCeph.EnsureStartedAsync();
            await LabCeph.ImportAsync(raw, image);
            File.Delete(raw);
        }
        else if (disk.Format != "raw")
        {
            await QemuImgAsync("convert", "-q", "-f", "raw", "-O", disk.Format, raw, path);
            File.Delete(raw);
        }
    }

    /// <summary>Checks an image by qemu-img, without repairs; fails the test on any fault.</summary>
    public static async Task CheckAsync(string path) => await QemuImgAsync("check", "-q", path);

    /// <summary>
    /// Reads a text from the ext4 file system in a raw image, trimmed; the journal is replayed first, as
    /// at a boot.
    /// </summary>
    public static async Task<string> ReadFileAsync(string rawPath, string name)
    {
        // 1: the journal was replayed and the counters corrected; a higher status would be damage.
        Assert.InRange((await RunningProgram.RunAsync("e2fsck", "-p", rawPath)).ExitCode, 0, 1);
        return (await RunningProgram.RunAsync("debugfs", "-R", $"cat {name}", rawPath)).MustSucceed().Output.Trim();
    }

    /// <summary>The allocated bytes of the file, without holes.</summary>
    public static async Task<long> AllocatedBytesAsync(string path)
    {
        Outcome blocks = (await RunningProgram.RunAsync("stat", "--format=%b", path)).MustSucceed();
        return long.Parse(blocks.Output, CultureInfo.InvariantCulture) * 512;
    }

    private static async Task QemuImgAsync(params IEnumerable<string> arguments) =>
        (await RunningProgram.RunAsync("qemu-img", arguments)).MustSucceed();
}
