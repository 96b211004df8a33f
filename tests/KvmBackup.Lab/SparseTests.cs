using System.Globalization;
using KvmBackup.Lab.Support;
using Xunit.Abstractions;

namespace KvmBackup.Lab;

/// <summary>Holes of a disk need no reads, no space in the backup, and no writes in a restore.</summary>
public sealed class SparseTests(ITestOutputHelper output)
{
    private const int Piece = 4 << 20;
    private const int PieceCount = 50;
    private const long Data = (long)Piece * PieceCount;

    /// <summary>Other reads and writes of a run: kernel and initrd of the guest, libraries of programs,
    /// manifests.</summary>
    private const long Besides = 40 << 20;

    [LabFact]
    public async Task A_disk_of_100_GB_with_200_MB_of_data_needs_200_MB_of_transfer_each_way()
    {
        string disk = Path.Combine(LabEnvironment.NewDirectory("sparse"), "disk.raw");
        await using (FileStream file = File.Create(disk))
        {
            file.SetLength(100L << 30);
            Random random = new(1);
            byte[] content = new byte[Piece];
            for (long number = 0; number < PieceCount; number++)
            {
                random.NextBytes(content);
                file.Position = number * (2L << 30);
                file.Write(content);
            }
        }

        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("sparse")
        {
            Disks = [new LabDisk("vda") { ExistingPath = disk, Format = "raw" }],
        });
        BackupSite site = new((guest.Name, "rotate: 1, compression: zstd"));

        await AssertCostAsync(site, reads: Data, writes: Data, "backup", guest.Name);
        long archiveBytes = new FileInfo(site.NewestArchive(guest.Name)).Length;
        Assert.InRange(archiveBytes, Data, Data + Besides);
        await AssertCostAsync(site, reads: archiveBytes, writes: 0, "verify", guest.Name);
        string restored = LabEnvironment.NewDirectory("restored");
        await AssertCostAsync(site, reads: archiveBytes, writes: Data, "restore", guest.Name, "--to", restored);

        string unpacked = LabEnvironment.NewDirectory("unpacked");
        (await RunningProgram.RunAsync("tar", "-xf", site.NewestArchive(guest.Name), "-C", unpacked)).MustSucceed();
        foreach (string copy in new[]
            {
                Path.Combine(restored, "sparse-vda.raw"), Path.Combine(unpacked, guest.Name, "vda.raw"),
            })
        {
            Assert.InRange(await LabImage.AllocatedBytesAsync(copy), Data, Data + (1 << 20));
            (await RunningProgram.RunAsync("qemu-img", "compare", "-f", "raw", "-F", "raw", disk, copy)).MustSucceed();
        }
    }

    [LabFact]
    public async Task Preallocated_space_and_written_zeros_are_holes_after_a_restore()
    {
        string folder = LabEnvironment.NewDirectory("preallocated");
        (string Target, string Format, string Preallocation)[] kinds =
        [
            ("vda", "qcow2", "metadata"), ("vdb", "qcow2", "falloc"), ("vdc", "qcow2", "full"),
            ("vdd", "raw", "falloc"),
            ("vde", "raw", "full"),
        ];
        foreach ((string target, string format, string preallocation) in kinds)
        {
            string path = PathOf(target, format);
            (await RunningProgram.RunAsync(
                "qemu-img", "create", "-q", "-f", format, "-o", $"preallocation={preallocation}", path, "128M"))
                    .MustSucceed();
            (await RunningProgram.RunAsync(
                "qemu-io", "-f", format, "-c", "write -P 7 10M 3M", "-c", "write -P 8 100M 1M", "-c", "flush", path))
                    .MustSucceed();
        }

        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("preallocated")
        {
            Disks = [.. kinds.Select(kind =>
                new LabDisk(kind.Target) { ExistingPath = PathOf(kind.Target, kind.Format), Format = kind.Format })],
        });
        BackupSite site = new((guest.Name, "rotate: 1, compression: zstd"));
        _ = await site.BackUpAsync(guest.Name);
        string restored = LabEnvironment.NewDirectory("restored");
        (await site.RunAsync("restore", guest.Name, "--to", restored)).MustSucceed();

        foreach ((string target, string format, string preallocation) in kinds)
        {
            string copy = Path.Combine(restored, $"preallocated-{target}.{format}");
            Assert.Equal(Folder.Checksum(PathOf(target, format)), Folder.Checksum(copy));
            output.WriteLine($"{format} {preallocation}: {await LabImage.AllocatedBytesAsync(copy)} bytes");

            // 4 MiB of data, and the metadata of a qcow2.
            Assert.InRange(await LabImage.AllocatedBytesAsync(copy), 4 << 20, 5 << 20);
        }

        string PathOf(string target, string format) => Path.Combine(folder, $"{target}.{format}");
    }

    [LabFact]
    public async Task A_restored_block_device_frees_unused_space()
    {
        const long size = 64L << 20;
        string backing = Path.Combine(LabEnvironment.NewDirectory("device"), "backing");
        await File.WriteAllBytesAsync(backing, new byte[size]);
        string device = (await RunningProgram.RunAsync("losetup", "--find", "--show", backing))
            .MustSucceed().Output.Trim();
        try
        {
            (await RunningProgram.RunAsync("qemu-io", "-f", "raw", "-c", "write -P 7 10M 3M", device)).MustSucceed();
            await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("device")
            {
                Disks = [new LabDisk("vda")],
            });
            await Virsh.RunAsync(
                "attach-disk", guest.Name, device, "vdb", "--sourcetype", "block", "--subdriver", "raw", "--config");
            BackupSite site = new((guest.Name, "rotate: 1"));
            _ = await site.BackUpAsync(guest.Name);
            string before = Folder.Checksum(device);
            (await RunningProgram.RunAsync("qemu-io", "-f", "raw", "-c", "write -P 9 0 64M", device)).MustSucceed();

            (await site.RunAsync("restore", guest.Name, "--replace", guest.Name)).MustSucceed();

            Assert.Equal(before, Folder.Checksum(device));
            Assert.InRange(await LabImage.AllocatedBytesAsync(backing), 3 << 20, 4 << 20);
        }
        finally
        {
            _ = await RunningProgram.RunAsync("losetup", "--detach", device);
        }
    }

    /// <summary>Runs the program and counts all bytes that it and its child processes read and wrote, on disk or in
    /// memory.</summary>
    private async Task AssertCostAsync(BackupSite site, long reads, long writes, params string[] arguments)
    {
        // The counters of a shell include the processes that it waited for.
        const string script = "report=$1; shift; \"$@\" || exit; cat \"/proc/$$/io\" >\"$report\"";
        string report = Path.Combine(LabEnvironment.NewDirectory("cost"), "io");
        (await RunningProgram.RunAsync(
            "bash", [
                "-c", script, "cost", report, Kvmbackup.ProgramPath, "--config", site.ConfigurationPath, .. arguments]))
            .MustSucceed();
        Dictionary<string, long> counted = File.ReadLines(report).Select(line => line.Split(": "))
            .ToDictionary(words => words[0], words => long.Parse(words[1], CultureInfo.InvariantCulture));
        output.WriteLine($"{arguments[0]}: {counted["rchar"]} bytes read, {counted["wchar"]} written");
        Assert.InRange(counted["rchar"], reads, reads + Besides);
        Assert.InRange(counted["wchar"], writes, writes + Besides);
    }
}
