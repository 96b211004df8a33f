using System.Globalization;

namespace KvmBackup.Lab.Support;

/// <summary>Makes disk images: an ext4 file system in a raw file, a qcow2 or an RBD image; a qcow2 on a template.</summary>
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
            // Lazy initialisation would go on writing in the guest for seconds; checksums and journal are wanted.
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

    /// <summary>Resizes nothing, repairs nothing: fails the test unless qemu-img finds the image in order.</summary>
    public static async Task CheckAsync(string path) => await QemuImgAsync("check", "-q", path);

    /// <summary>
    /// A text out of the ext4 file system in a raw image, blanks at its ends cut off; the journal is replayed first, as
    /// a boot would.
    /// </summary>
    public static async Task<string> ReadFileAsync(string rawPath, string name)
    {
        // 1 says that it has replayed the journal and set the counters right; more would be damage.
        Assert.InRange((await RunningProgram.RunAsync("e2fsck", "-p", rawPath)).ExitCode, 0, 1);
        return (await RunningProgram.RunAsync("debugfs", "-R", $"cat {name}", rawPath)).MustSucceed().Output.Trim();
    }

    /// <summary>What the file takes on the host's disk, holes not counted.</summary>
    public static async Task<long> AllocatedBytesAsync(string path)
    {
        Outcome blocks = (await RunningProgram.RunAsync("stat", "--format=%b", path)).MustSucceed();
        return long.Parse(blocks.Output, CultureInfo.InvariantCulture) * 512;
    }

    private static async Task QemuImgAsync(params IEnumerable<string> arguments) =>
        (await RunningProgram.RunAsync("qemu-img", arguments)).MustSucceed();
}
