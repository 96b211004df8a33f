using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Disks in formats other than qcow2 and raw, many disks, and disks with the same file name.</summary>
public sealed class ImageFormatTests
{
    private static readonly string[] Formats = ["vmdk", "vdi", "vpc", "qed", "qcow"];

    [LabFact]
    [Proves("disk: vmdk, vdi, vpc, qed, qcow", "byte for byte, with an overlay above")]
    public async Task Disks_of_every_format_are_backed_up_while_the_guest_writes_and_restored_with_identical_content()
    {
        string[] targets = ["vdb", "vdc", "vdd", "vde", "vdf"];
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("formats")
        {
            Disks =
            [
                new LabDisk("vda"),
                .. targets.Zip(
                    Formats, (target, format) => new LabDisk(target) { Format = format, SizeBytes = 16 << 20 }),
            ],
            PairDisks = ("vdb", "vdc"),
        });
        await guest.BootAsync();
        await guest.WaitForPairAsync();
        foreach (string target in targets[2..])
        {
            await guest.RunAsync($"printf 'of {target}' | dd of=/dev/{target} bs=1M seek=5 conv=fsync");
        }

        BackupSite site = new((guest.Name, "rotate: 3"));
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);
        _ = await site.BackUpAsync(guest.Name);
        await before.AssertUnchangedAsync(site);

        (await site.RunAsync(
            "restore", guest.Name, "--as", "formats-copy", "--to", LabEnvironment.NewDirectory("copy"), "--start"))
            .MustSucceed();
        await using LabGuest copy = LabGuest.Attach("formats-copy");
        await copy.WaitUntilReadyAsync();
        Assert.True(await copy.HasPairsIntactAsync());
        foreach (string target in targets[2..])
        {
            Assert.Equal($"of {target}", await copy.RunAsync(
                $"dd if=/dev/{target} bs=1M skip=5 count=1 2>/dev/null | head -c 6"));
        }

        // A shut-off guest does not change, so the restored images have the same content.
        await copy.DestroyAsync();
        await guest.ShutdownAsync();
        _ = await site.BackUpAsync(guest.Name);
        string folder = LabEnvironment.NewDirectory("formats");
        (await site.RunAsync("restore", guest.Name, "--to", folder)).MustSucceed();
        foreach ((string target, string format) in targets.Zip(Formats))
        {
            string name = $"{target}.{format}";
            await AssertIdenticalAsync(
                format, Path.Combine(guest.DirectoryPath!, name), Path.Combine(folder, $"formats-{name}"));
        }
    }

    [LabFact]
    public async Task A_vmdk_in_several_files_is_refused_by_name()
    {
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("split"));
        string disk = Path.Combine(guest.DirectoryPath!, "split.vmdk");
        (await RunningProgram.RunAsync(
            "qemu-img", "create", "-q", "-f", "vmdk", "-o", "subformat=twoGbMaxExtentSparse", disk, "16M"))
            .MustSucceed();
        await Virsh.RunAsync("attach-disk", guest.Name, disk, "vdb", "--subdriver", "vmdk", "--config");
        BackupSite site = new((guest.Name, "rotate: 3"));

        string printed = (await site.RunAsync("backup", guest.Name)).MustEndWith(1).Output;

        Assert.Contains("split-s001.vmdk", printed, StringComparison.Ordinal);
        Assert.Empty(site.BackupIds(guest.Name));
    }

    [LabFact]
    [Proves("disk: twelve, two of one name", "as any other")]
    public async Task Twelve_disks_two_of_them_with_the_same_file_name_and_one_behind_a_link_are_restored()
    {
        string folder = Path.Combine(LabEnvironment.ImagesPath, "many-files");
        string linked = Path.Combine(folder, "linked.qcow2");
        LabDisk[] disks =
        [
            new("vda"), Existing("vdb", "one/data.qcow2"), Existing("vdc", "two/data.qcow2"),
            Existing("vdd", "link.qcow2"),
            .. "efghijkl".Select(letter => new LabDisk($"vd{letter}") { SizeBytes = 1 << 20 }),
        ];
        foreach (LabDisk disk in disks[1..4])
        {
            string path = disk.Target == "vdd" ? linked : disk.ExistingPath!;
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await LabImage.CreateAsync(disk, path);
        }

        File.CreateSymbolicLink(disks[3].ExistingPath!, linked);
        await using LabGuest guest =
            await LabGuest.DefineAsync(new LabGuestSpecification("many disks") { Disks = disks });
        await guest.BootAsync();
        foreach (LabDisk disk in disks[1..])
        {
            await guest.RunAsync($"printf 'of {disk.Target}' | dd of=/dev/{disk.Target} bs=64k seek=2 conv=fsync");
        }

        BackupSite site = new((guest.Name, "rotate: 3"));
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);
        _ = await site.BackUpAsync(guest.Name);
        await before.AssertUnchangedAsync(site);
        Assert.Equal(linked, new FileInfo(disks[3].ExistingPath!).LinkTarget);

        await guest.DestroyAsync();
        string digest = Folder.Checksum(linked);
        string printed = (await site.RunAsync("restore", guest.Name, "--replace", guest.Name, "--start"))
            .MustSucceed().Output;
        await guest.WaitUntilReadyAsync();
        Assert.Contains("is a link to", printed, StringComparison.Ordinal);
        Assert.Null(new FileInfo(disks[3].ExistingPath!).LinkTarget);
        Assert.Equal(digest, Folder.Checksum(linked));
        foreach (LabDisk disk in disks[1..])
        {
            Assert.Equal($"of {disk.Target}", await guest.RunAsync(
                $"dd if=/dev/{disk.Target} bs=64k skip=2 count=1 2>/dev/null | head -c 6"));
        }

        LabDisk Existing(string target, string name) =>
            new(target) { ExistingPath = Path.Combine(folder, name), SizeBytes = 1 << 20 };
    }

    private static async Task AssertIdenticalAsync(string format, string one, string other) =>
        (await RunningProgram.RunAsync("qemu-img", "compare", "-f", format, "-F", format, one, other)).MustSucceed();
}
