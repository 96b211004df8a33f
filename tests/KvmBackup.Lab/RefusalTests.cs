using System.Text.Json;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Obstacles to a backup are found before the guest is touched, and each message has advice.</summary>
public sealed class RefusalTests
{
    [LabFact]
    public async Task Invalid_arguments_and_configurations_are_refused_with_code_2()
    {
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("asked"));
        BackupSite site = new((guest.Name, "rotate: 2"));
        string folder = LabEnvironment.NewDirectory("configurations");
        string otherHost = Write(folder, "other.yml", $"elsewhere:\n  backupdir: {site.BackupPath}\n  domains: {{}}\n");
        string mistaken = Write(
            folder, "mistaken.yml", "lab1:\n  backupdirectory: /x\n  domains:\n    a: {rotate: 0}\n");
        string codec = Write(
            folder, "codec.yml",
            $"lab1:\n  backupdir: {site.BackupPath}\n  domains:\n"
            + "    a: {day_of_week: daily, rotate: 1, compression: lz5}\n");

        await AssertUsageAsync("did you mean 'asked'", "--config", site.ConfigurationPath, "backup", "aske");
        await AssertUsageAsync("lab1", "--config", otherHost, "run");
        await AssertUsageAsync("mistaken.yml", "--config", mistaken, "run");
        await AssertUsageAsync("backupdirectory", "--config", mistaken, "run");
        await AssertUsageAsync("rotate", "--config", mistaken, "run");
        await AssertUsageAsync("lz5", "--config", codec, "run");
        await AssertUsageAsync("missing.yml", "--config", Path.Combine(folder, "missing.yml"), "run");
        await AssertUsageAsync(folder, "--config", folder, "run");
        await AssertUsageAsync("--help", "--config", site.ConfigurationPath, "backpu");
        await AssertUsageAsync("no backup of nobody", "--config", site.ConfigurationPath, "list", "nobody");
        await AssertUsageAsync("nobody", "--config", site.ConfigurationPath, "restore", "nobody");
    }

    [LabFact]
    public async Task An_unusable_target_is_refused_with_a_fix()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("targeted"));
        BackupSite site = new((guest.Name, "rotate: 2"));
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);

        await AssertTargetRefusedAsync(site, guest, "/no/such/share", "Is the share mounted?");
        string inside = Path.Combine(guest.DirectoryPath!, "backups");
        await AssertTargetRefusedAsync(site, guest, inside, "Set backupdir to another");
        Directory.Delete(inside, recursive: true);
        await AssertTargetRefusedAsync(site, guest, site.ConfigurationPath, "is a file");
        string readOnly = await Folder.MountAsync("ro");
        await AssertTargetRefusedAsync(site, guest, readOnly, "cannot be written");

        await before.AssertUnchangedAsync(site);
    }

    [LabFact]
    public async Task A_target_without_free_space_is_refused_before_the_guest_is_touched()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("roomless")
        {
            Disks = [new LabDisk("vda") { ContentDirectory = Folder.WithRandomFile("big", 30 << 20) }],
        });
        BackupSite site = new((guest.Name, "rotate: 2"));
        GuestFootprint before = await GuestFootprint.TakeAsync(guest);
        string small = await Folder.MountAsync("size=60m");

        await AssertTargetRefusedAsync(site, guest, small, "64.0 MiB are the margin; free space");

        Assert.DoesNotContain(
            Directory.GetFiles(small, "*", SearchOption.AllDirectories), path => Path.GetFileName(path) != ".lock");
        await before.AssertUnchangedAsync(site);
    }

    [LabFact]
    public async Task A_block_job_of_another_program_is_not_touched()
    {
        await using LabGuest guest = await LabGuest.StartAsync(new LabGuestSpecification("copied"));
        BackupSite site = new((guest.Name, "rotate: 2"));
        string copy = Path.Combine(LabEnvironment.NewDirectory("blockcopy"), "copy.qcow2");
        await Virsh.RunAsync("blockcopy", guest.Name, "vda", copy, "--transient-job", "--wait");

        Outcome outcome = (await site.RunAsync("backup", guest.Name)).MustEndWith(1);

        Assert.Contains("another program's block job", outcome.Output, StringComparison.Ordinal);
        Outcome job = Assert.Single(await new TypedAdvice(site).TypeAsync(outcome.Output, "virsh blockjob"));
        Assert.Contains("Block Copy", job.Output + job.Error, StringComparison.Ordinal);
        Assert.Equal(copy, (await guest.LiveXmlAsync()).Descendants("mirror").Single().Attribute("file")?.Value);
        await Virsh.RunAsync("blockjob", guest.Name, "vda", "--abort");
        Assert.Empty(site.BackupDirectories(guest.Name));
        _ = await site.BackUpAsync(guest.Name);
    }

    [LabFact]
    public async Task A_missing_pigz_is_reported_with_its_package_and_an_alternative()
    {
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("no-pigz"));
        BackupSite site = new((guest.Name, "rotate: 2"));
        string programs = LabEnvironment.NewDirectory("programs");
        foreach (string program in new[] { "virsh", "qemu-img" })
        {
            File.CreateSymbolicLink(Path.Combine(programs, program), $"/usr/bin/{program}");
        }

        await using RunningProgram running = RunningProgram.Start(
            Kvmbackup.ProgramPath, ["--config", site.ConfigurationPath, "run"],
            new Dictionary<string, string> { ["PATH"] = programs });
        Outcome outcome = (await running.WaitAsync(TimeSpan.FromMinutes(1))).MustEndWith(1);

        Assert.Contains("install the package pigz", outcome.Output, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("gzip", outcome.Output, StringComparison.Ordinal);
        Assert.Empty(site.BackupDirectories(guest.Name));
    }

    private static async Task AssertTargetRefusedAsync(BackupSite site, LabGuest guest, string target, string because)
    {
        string configuration = (await File.ReadAllTextAsync(site.ConfigurationPath))
            .Replace($"backupdir: {site.BackupPath}", $"backupdir: {target}", StringComparison.Ordinal);
        string path = Path.Combine(LabEnvironment.NewDirectory("target"), "config.yml");
        await File.WriteAllTextAsync(path, configuration);

        Outcome outcome = (await Kvmbackup.RunAsync("--config", path, "--json", "backup", guest.Name)).MustEndWith(1);

        JsonElement job = JsonDocument.Parse(outcome.Output).RootElement.GetProperty("jobs")[0];
        Assert.Contains(because, job.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Contains(target, job.GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    private static async Task AssertUsageAsync(string message, params string[] words)
    {
        Outcome outcome = (await Kvmbackup.RunAsync(words)).MustEndWith(2);
        Assert.Contains(message, outcome.Error, StringComparison.Ordinal);
    }

    private static string Write(string folder, string name, string text)
    {
        string path = Path.Combine(folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
