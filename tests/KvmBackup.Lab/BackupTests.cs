using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Backups of guests that go on writing.</summary>
public sealed class BackupTests
{
    [LabFact]
    public async Task A_running_guest_is_backed_up_destroyed_and_restored()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("web1"));
        await guest.WriteFileAsync("/data/kept", "before the backup"u8.ToArray());
        BackupSite site = new(("web1", "rotate: 2"));

        Outcome backup = (await site.RunAsync("-v", "run")).MustSucceed();
        Console.WriteLine(backup.Error + backup.Output);
        foreach (string[] words in new string[][] { ["list"], ["show", "web1"], ["verify", "web1"], ["check"], ["prune", "--dry-run"], ["run", "--dry-run"], ["--json", "list"], ["restore", "web1", "--dry-run"] })
        {
            Outcome o = await site.RunAsync(words);
            Console.WriteLine($"--- {string.Join(' ', words)} -> {o.ExitCode}\n{o.Output}\n{o.Error}");
        }

        await guest.DestroyAsync();
        await guest.UndefineAsync();
        guest.DeleteDisks();
        Outcome restore = (await site.RunAsync("restore", "web1", "--start")).MustSucceed();
        Console.WriteLine(restore.Error + restore.Output);
        await guest.WaitUntilReadyAsync();
        Assert.Equal("before the backup", await guest.RunAsync("cat /data/kept"));
    }
}
