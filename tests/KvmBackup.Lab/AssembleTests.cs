using System.Text.Json;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>One disk of any backup is assembled into one standard file, without a cluster.</summary>
public sealed class AssembleTests
{
    [LabFact]
    [Trait("Needs", "Ceph")]
    public async Task Every_backup_of_an_image_is_assembled_into_a_file_without_rbd()
    {
        LabRbdImage image = new("assembled");
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("assembly")
        {
            Disks = [new LabDisk("vda"), new LabDisk("vdb") { Rbd = image }],
        });
        BackupSite site = new((guest.Name, "rotate: 9, full_every: {points: 8}"));
        List<string> exports = [];
        (string Change, string NextSize)[] history =
            [("write -P 1 0 64k", "32M"), ("discard 8M 8M", "96M"), ("write -P 2 5M 3M", "112M"),
                ("write -P 3 90M 100k", "128M")];
        foreach ((string change, string size) in history)
        {
            (await RunningProgram.RunAsync("qemu-io", "-f", "raw", "-c", change, $"rbd:{image}")).MustSucceed();
            _ = await site.BackUpAsync(guest.Name);
            exports.Add(Path.Combine(LabEnvironment.NewDirectory("export"), "raw"));
            await LabCeph.ExportAsync(image.Specification, exports[^1]);
            await LabCeph.RbdAsync("resize", "--no-progress", "--allow-shrink", "--size", size, image.Specification);
        }

        foreach ((string id, string export) in site.BackupIds(guest.Name).Zip(exports))
        {
            string folder = LabEnvironment.NewDirectory("assembled");
            (string raw, string qcow2) = (Path.Combine(folder, "a.raw"), Path.Combine(folder, "a.qcow2"));
            string[] words =
                ["-v", "--backupdir", site.BackupPath, "assemble", $"{guest.Name}@{id}", "--disk", "vdb", "--to"];
            Outcome first = (await Kvmbackup.RunAsync([.. words, raw])).MustSucceed();
            Outcome second = (await Kvmbackup.RunAsync([.. words, qcow2])).MustSucceed();

            Assert.Equal(Folder.Checksum(export), Folder.Checksum(raw));
            await AssertReadAtRandomAsync(site, $"{guest.Name}@{id}", raw);
            (await RunningProgram.RunAsync("qemu-img", "compare", "-f", "raw", "-F", "qcow2", raw, qcow2))
                .MustSucceed();
            await LabImage.CheckAsync(qcow2);
            Assert.InRange(await LabImage.AllocatedBytesAsync(qcow2), 1, 32 << 20);
            Assert.DoesNotContain("rbd -", first.Error + second.Error, StringComparison.Ordinal);
            Assert.Equal(["a.qcow2", "a.raw"], Directory.GetFileSystemEntries(folder).Select(Path.GetFileName).Order());
        }
    }

    [LabFact]
    [Trait("Needs", "Ceph")]
    public async Task A_damaged_chain_is_assembled_except_for_the_reported_extents()
    {
        LabRbdImage image = new("salvaged");
        await using LabGuest guest = await LabGuest.DefineAsync(
            new LabGuestSpecification("salvage") { Disks = [new LabDisk("vdb") { Rbd = image }] });
        BackupSite site = new((guest.Name, "rotate: 9, full_every: 9, compression: none"));
        foreach (string change in new[] { "write -P 1 0 6M", "write -P 2 2M 30M", "write -P 3 8M 20M" })
        {
            (await RunningProgram.RunAsync("qemu-io", "-f", "raw", "-c", change, $"rbd:{image}")).MustSucceed();
            _ = await site.BackUpAsync(guest.Name);
        }

        string export = Path.Combine(LabEnvironment.NewDirectory("export"), "raw");
        await LabCeph.ExportAsync(image.Specification, export);
        string archive = Directory.GetFiles(site.BackupDirectories(guest.Name)[1], "*.tar").Single();
        await using (FileStream file = File.OpenWrite(archive))
        {
            file.SetLength(file.Length / 2);
        }

        string folder = LabEnvironment.NewDirectory("salvaged");
        string newest = $"{guest.Name}@{site.BackupIds(guest.Name)[2]}";
        (await site.RunAsync("restore", newest, "--to", folder)).MustEndWith(4);
        JsonElement report = await site.ReportAsync(4, "restore", newest, "--salvage", "--to", folder);

        JsonElement salvaged = Assert.Single(
            report.GetProperty("salvaged_files").EnumerateArray(),
            file => file.GetProperty("path").GetString()!.EndsWith("vdb.raw.damaged", StringComparison.Ordinal));
        byte[] expected = await File.ReadAllBytesAsync(export);
        foreach (JsonElement run in salvaged.GetProperty("missing").EnumerateArray())
        {
            (int offset, int length) = (
                run.GetProperty("offset_bytes").GetInt32(), run.GetProperty("length_bytes").GetInt32());

            // The last backup overwrites some of the lost data; only the rest is reported as missing.
            Assert.True(offset + length <= 8 << 20 || offset >= 28 << 20, $"{length} bytes at {offset}");
            expected.AsSpan(offset, length).Clear();
        }

        Assert.Equal(expected, await File.ReadAllBytesAsync(salvaged.GetProperty("path").GetString()!));
    }

    /// <summary>Compares a range of the image that is read from the archives with the same range of the assembled
    /// file.</summary>
    private static async Task AssertReadAtRandomAsync(BackupSite site, string reference, string raw)
    {
        const string Script =
            "\"$0\" --backupdir \"$1\" cat \"$2\" vdb --offset 5000000 --length 4000000 | cmp - <(tail -c +5000001 "
            + "\"$3\" | head -c 4000000)";
        (await RunningProgram.RunAsync("bash", "-o", "pipefail", "-c", Script, Kvmbackup.ProgramPath, site.BackupPath,
            reference, raw)).MustSucceed();
    }

    [LabFact]
    public async Task A_linked_clone_is_assembled_into_one_file()
    {
        string template = Path.Combine(LabEnvironment.ImagesPath, "template to flatten.qcow2");
        await LabImage.CreateAsync(new LabDisk("vda"), template);
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("flat")
        {
            Disks = [new LabDisk("vda") { BackingPath = template }],
        });
        string source = Path.Combine(guest.DirectoryPath!, "vda.qcow2");
        (await RunningProgram.RunAsync("qemu-io", "-c", "write -P 7 1M 100k", source)).MustSucceed();
        BackupSite site = new((guest.Name, "rotate: 2"));
        _ = await site.BackUpAsync(guest.Name);
        string folder = LabEnvironment.NewDirectory("flat");

        foreach (string format in new[] { "raw", "qcow2" })
        {
            string file = Path.Combine(folder, format);
            (await site.RunAsync("assemble", guest.Name, "--to", file, "--format", format)).MustSucceed();
            (await RunningProgram.RunAsync("qemu-img", "compare", "-f", "qcow2", "-F", format, source, file))
                .MustSucceed();

            string before = Folder.Describe(folder);
            Outcome again = (await site.RunAsync("assemble", guest.Name, "--to", file)).MustEndWith(2);
            Assert.Contains($"{file} exists", again.Error, StringComparison.Ordinal);
            Assert.Equal(before, Folder.Describe(folder));
        }
    }
}
