using System.Text.Json;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Guests with snapshots in libvirt, within their images and in files of their own.</summary>
public sealed class SnapshotTests
{
    [LabFact]
    [Proves("guest: with libvirt snapshots", "with its snapshots and their records")]
    public async Task A_running_guest_with_snapshots_is_backed_up_and_restored_with_their_records()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("snapped"));
        BackupSite site = new((guest.Name, "rotate: 2"));
        await guest.RunAsync("echo old >/data/mark; sync");
        await Virsh.RunAsync("snapshot-create-as", guest.Name, "before upgrade");
        await guest.RunAsync("echo new >/data/mark; sync");
        await Virsh.RunAsync("snapshot-create-as", guest.Name, "after", "--disk-only", "--atomic");
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);
        string records = await RecordsAsync(guest);

        JsonElement job = await site.BackUpAsync(guest.Name);

        Assert.Empty(job.GetProperty("warnings").EnumerateArray());
        await before.AssertUnchangedAsync(site);
        await LoseAsync(guest);
        (await site.RunAsync("restore", guest.Name, "--start")).MustSucceed();
        await guest.WaitUntilReadyAsync();
        Assert.Equal("new\n", await guest.RunAsync("cat /data/mark"));
        Assert.Equal(records, await RecordsAsync(guest));
        Assert.Equal("after", (await Virsh.RunAsync("snapshot-current", "--name", guest.Name)).Trim());
    }

    [LabFact]
    public async Task An_internal_snapshot_can_be_reverted_to_after_a_restore()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("reverted"));
        await guest.RunAsync("echo old >/data/mark; sync");
        await Virsh.RunAsync("snapshot-create-as", guest.Name, "point");
        await guest.RunAsync("echo new >/data/mark; sync");
        BackupSite site = new((guest.Name, "rotate: 2"));
        _ = await site.BackUpAsync(guest.Name);
        await LoseAsync(guest);
        (await site.RunAsync("restore", guest.Name, "--start")).MustSucceed();
        await guest.WaitUntilReadyAsync();
        Assert.Equal("new\n", await guest.RunAsync("cat /data/mark"));

        await Virsh.RunAsync("snapshot-revert", guest.Name, "point");

        Assert.Equal("old\n", await guest.RunAsync("cat /data/mark"));
    }

    [LabFact]
    [Proves("guest: memory of a snapshot in a file", "without that file, which is reported")]
    public async Task A_file_of_a_snapshot_that_is_not_in_the_backup_is_reported_and_a_copy_has_no_records()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("remembered"));
        string memory = Path.Combine(guest.DirectoryPath!, "memory");
        await Virsh.RunAsync(
            "snapshot-create-as", guest.Name, "with-memory", "--memspec", $"file={memory}", "--live", "--diskspec",
            $"vda,file={guest.DirectoryPath}/next.qcow2");
        BackupSite site = new((guest.Name, "rotate: 2"));

        JsonElement job = await site.BackUpAsync(guest.Name);

        Assert.Contains(
            memory, Assert.Single(job.GetProperty("warnings").EnumerateArray()).GetString(), StringComparison.Ordinal);
        Outcome copied = (await site.RunAsync("restore", guest.Name, "--as", "copied", "--define")).MustSucceed();
        Assert.Contains("with-memory", copied.Output, StringComparison.Ordinal);
        Assert.Empty((await Virsh.RunAsync("snapshot-list", "copied", "--name")).Trim());
        await Virsh.RunAsync("undefine", "copied");
    }

    private static async Task<string> RecordsAsync(LabGuest guest) =>
        (await Virsh.RunAsync("snapshot-list", guest.Name, "--topological", "--tree")).Trim();

    private static async Task LoseAsync(LabGuest guest)
    {
        await guest.DestroyAsync();
        await Virsh.RunAsync("undefine", guest.Name, "--snapshots-metadata");
        foreach (string filePath in Directory.GetFiles(guest.DirectoryPath!, "*.*"))
        {
            File.Delete(filePath);
        }
    }
}
