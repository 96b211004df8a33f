using System.Text.Json;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>The effect of the freeze: a file that the guest writes in two halves is complete in every backup.</summary>
public sealed class FreezeTests
{
    private const int Rounds = 3;

    [LabFact]
    [Proves("disk: several, qcow2 and raw", "at one instant")]
    public async Task A_pair_that_is_written_across_two_disks_is_never_torn()
    {
        await using LabGuest guest = await LabGuest.StartAsync(Pair("pair"));
        BackupSite site = new((guest.Name, "rotate: 9, quiesce: require"));
        for (int round = 0; round < Rounds; round++)
        {
            await guest.WaitForPairAsync();
            JsonElement backup = (await site.BackUpAsync(guest.Name)).GetProperty("backup");
            Assert.Equal("filesystem", backup.GetProperty("consistency").GetString());
            string id = backup.GetProperty("id").GetString()!;
            JsonElement shown = (await site.ReportAsync("show", $"{guest.Name}@{id}")).GetProperty("details");
            Assert.InRange(shown.GetProperty("frozen_seconds").GetDouble(), 0.001, 20);
        }

        List<string> numbers = [];
        foreach (string id in site.BackupIds(guest.Name))
        {
            await using LabGuest copy = await RestoreCopyAsync(site, guest, id);
            (string first, string second) = await copy.FoundPairAsync();
            Assert.Equal(first, second);
            Assert.Equal(10, first.Length);
            numbers.Add(first);
        }

        // The guest wrote between the backups; otherwise nothing could be torn.
        Assert.Equal(Rounds, numbers.Distinct().Count());
    }

    [LabFact]
    public async Task A_backup_without_a_freeze_is_reported_as_crash_consistent_and_boots()
    {
        await using LabGuest guest = await LabGuest.StartAsync(Pair("unfrozen"));
        BackupSite site = new((guest.Name, "rotate: 9, quiesce: off"));
        await guest.WaitForPairAsync();

        JsonElement job = await site.BackUpAsync(guest.Name);
        await using LabGuest copy = await RestoreCopyAsync(site, guest, site.BackupIds(guest.Name).Single());

        Assert.Equal("crash", job.GetProperty("backup").GetProperty("consistency").GetString());
        Assert.Equal(10, (await copy.FoundPairAsync()).First.Length);
        JsonElement shown = (await site.ReportAsync("show", guest.Name)).GetProperty("details");
        Assert.Equal("quiesce is off", shown.GetProperty("consistency_reason").GetString());
        Assert.Equal(JsonValueKind.Null, shown.GetProperty("frozen_seconds").ValueKind);
    }

    [LabFact]
    public async Task A_guest_frozen_by_another_program_is_not_touched()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("frozen-by-other"));
        BackupSite site = new((guest.Name, "rotate: 2"));
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);
        await Virsh.RunAsync("domfsfreeze", guest.Name);

        Outcome outcome = (await site.RunAsync("backup", guest.Name)).MustEndWith(5);
        const string Query = """{"execute":"guest-fsfreeze-status"}""";
        string status = await Virsh.RunAsync("qemu-agent-command", guest.Name, Query);
        await Virsh.RunAsync("domfsthaw", guest.Name);

        Assert.Contains("virsh domfsthaw", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("frozen", status, StringComparison.Ordinal);
        Assert.Empty(site.BackupDirectories(guest.Name));
        await before.AssertUnchangedAsync(site);
    }

    private static LabGuestSpecification Pair(string name) => new(name)
    {
        Disks = [new LabDisk("vda"), new LabDisk("vdb") { Format = "raw" }],
        Workload = "pair",
        PairDisks = ("vda", "vdb"),
    };

    private static async Task<LabGuest> RestoreCopyAsync(BackupSite site, LabGuest guest, string id)
    {
        LabGuest copy = LabGuest.Attach($"{guest.Name}-{id}");
        (await site.RunAsync(
            "restore", $"{guest.Name}@{id}", "--as", copy.Name, "--to", LabEnvironment.NewDirectory("copy"), "--start"))
            .MustSucceed();
        await copy.WaitUntilReadyAsync();
        return copy;
    }
}
