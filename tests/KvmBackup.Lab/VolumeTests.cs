using System.Xml.Linq;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Disks that are volumes of a storage pool, as Terraform and Vagrant define them.</summary>
public sealed class VolumeTests
{
    [LabFact]
    [Proves("disk: volume of a storage pool", "as the file or device of the pool, a volume again")]
    public async Task A_guest_on_volumes_is_backed_up_compared_and_restored_to_its_volumes()
    {
        await using LabGuest guest = await DefineAsync("volumes");
        await using LabPool pool = await LabPool.StartAsync("volumes", guest.DirectoryPath!);
        await guest.BootAsync();
        await guest.WriteFileAsync("/data/kept", "of a volume"u8.ToArray());
        BackupSite site = new();
        site.Configure(("domains_by_pool", [(pool.Name, "rotate: 3")]));
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);

        (await site.RunAsync("run")).MustSucceed();
        await before.AssertUnchangedAsync(site);
        // The guest has written since the backup.
        (await site.RunAsync("compare", guest.Name)).MustEndWith(4);
        await before.AssertUnchangedAsync(site);

        await guest.DestroyAsync();
        await guest.UndefineAsync();
        await Virsh.RunAsync("vol-delete", "--pool", pool.Name, "--vol", "vda.qcow2");
        File.Delete(Path.Combine(guest.DirectoryPath!, "vdb.raw"));
        (await site.RunAsync("restore", guest.Name, "--start")).MustSucceed();
        await guest.WaitUntilReadyAsync();

        Assert.Equal("of a volume", await guest.RunAsync("cat /data/kept"));
        Assert.Equal(["vda.qcow2", "vdb.raw"], VolumesIn(await guest.InactiveXmlAsync()));
        _ = await site.BackUpAsync(guest.Name);

        (await site.RunAsync("restore", guest.Name, "--as", "volumes-copy", "--define")).MustSucceed();
        await using LabGuest copy = LabGuest.Attach("volumes-copy");
        Assert.Equal(
            Path.Combine(guest.DirectoryPath!, "volumes-copy-vda.qcow2"),
            Virsh.SourcesIn(await copy.InactiveXmlAsync())["vda"]);
    }

    [LabFact]
    public async Task A_pool_that_is_inactive_or_elsewhere_is_reported_with_the_command_or_a_way_out()
    {
        await using LabGuest guest = await DefineAsync("idle-pool");
        await using LabPool pool = await LabPool.StartAsync("idle-pool", guest.DirectoryPath!);
        BackupSite site = new((guest.Name, "rotate: 3"));
        await Virsh.RunAsync("pool-destroy", pool.Name);

        // libvirt requires the pool at the start of the guest only.
        _ = await site.BackUpAsync(guest.Name);
        string printed = (await site.RunAsync("restore", guest.Name, "--define", "--replace", guest.Name))
            .MustSucceed().Output;
        Assert.Contains("Refreshing the storage pool idle-pool failed", printed, StringComparison.Ordinal);
        await Virsh.RunAsync("pool-start", pool.Name);
        _ = await new TypedAdvice(site).TypeAsync(printed, "virsh pool-refresh --pool");
        await guest.BootAsync();
        await guest.DestroyAsync();

        await pool.DisposeAsync();
        string refused = (await site.RunAsync("backup", guest.Name)).MustEndWith(1).Output;
        Assert.Contains("is the volume vda.qcow2 of the storage pool idle-pool", refused, StringComparison.Ordinal);
        await using LabPool other = await LabPool.StartAsync(pool.Name, LabEnvironment.NewDirectory("other-pool"));
        Outcome elsewhere = (await site.RunAsync("restore", guest.Name, "--replace", guest.Name)).MustEndWith(2);
        Assert.Contains("the manifest places it elsewhere", elsewhere.Error, StringComparison.Ordinal);
        (await site.RunAsync("restore", guest.Name, "--to", LabEnvironment.NewDirectory("to"))).MustSucceed();
    }

    [LabFact]
    public async Task A_killed_backup_of_volumes_is_recovered_with_the_volumes_in_both_definitions()
    {
        await using LabGuest guest = await DefineAsync("killed-volumes");
        await using LabPool pool = await LabPool.StartAsync("killed-volumes", guest.DirectoryPath!);
        await guest.BootAsync();
        BackupSite site = new((guest.Name, "rotate: 3"));
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);
        foreach (string step in new[] { "Snapshotted", "Pinned", "Committing:vda", "Pivoted:vdb", "OnBase:vda" })
        {
            await using RunningProgram paused = await PausedProgram.StartAsync(site, step, "run");
            await CrashSite.KillWatcherAsync(paused);
            await paused.SignalAsync("KILL");
            _ = await paused.WaitAsync(TimeSpan.FromMinutes(1));
            (await site.RunAsync("recover")).MustSucceed();
            foreach (string partial in Directory.GetDirectories(Path.Combine(site.BackupPath, guest.Name), "*.partial"))
            {
                // The next run would remove it.
                Directory.Delete(partial, recursive: true);
            }

            await before.AssertUnchangedAsync(site);
        }

        // An overlay is committed without libvirt when its guest has ended, so the program writes the definition.
        foreach (bool isKilled in new[] { false, true })
        {
            await using RunningProgram ended = await PausedProgram.StartAsync(site, "Pinned", "run");
            await CrashSite.KillWatcherAsync(ended);
            await guest.DestroyAsync();
            await ended.SignalAsync(isKilled ? "KILL" : "CONT");
            _ = await ended.WaitAsync(TimeSpan.FromMinutes(1));
            (await site.RunAsync("recover")).MustSucceed();
            Assert.Equal(["vda.qcow2", "vdb.raw"], VolumesIn(await guest.InactiveXmlAsync()));
            Assert.Empty(Directory.GetFiles(guest.DirectoryPath!, "kvmbackup.*"));
            await guest.BootAsync();
        }

        _ = await site.BackUpAsync(guest.Name);
    }

    private static Task<LabGuest> DefineAsync(string name) => LabGuest.DefineAsync(new LabGuestSpecification(name)
    {
        Disks = [new LabDisk("vda") { Pool = name }, new LabDisk("vdb") { Format = "raw", Pool = name }],
    });

    private static IEnumerable<string?> VolumesIn(XElement domain) =>
        domain.Descendants("disk").Elements("source").Select(source => source.Attribute("volume")?.Value);
}
