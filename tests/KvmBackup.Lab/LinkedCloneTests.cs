using System.Text.Json;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Guests that share a template: it is never written, and each backup contains the full backing
/// chain.</summary>
public sealed class LinkedCloneTests
{
    [LabFact]
    public async Task A_backup_does_not_change_the_template_and_the_other_clone_boots()
    {
        string template = await CreateTemplateAsync();
        string before = Folder.Checksum(template);
        await using LabGuest clone = await StartCloneAsync("clone", template);
        await using LabGuest other = await DefineCloneAsync("sister", template);
        BackupSite site = new((clone.Name, "rotate: 2"));
        GuestFootprint footprint = await GuestFootprint.TakeAsync(clone);

        _ = await site.BackUpAsync(clone.Name);

        await footprint.AssertUnchangedAsync(site);
        Assert.Equal(before, Folder.Checksum(template));
        await other.BootAsync();
        Assert.Equal("from the template", await other.RunAsync("cat /data/base"));
    }

    [LabFact]
    [Proves("disk: qcow2 with backing files", "the whole chain; an equal template is kept")]
    public async Task A_clone_is_restored_on_a_host_without_it_and_its_template()
    {
        string template = await CreateTemplateAsync();
        string checksum = Folder.Checksum(template);
        await using LabGuest clone = await StartCloneAsync("alone", template);
        BackupSite site = new((clone.Name, "rotate: 2"));
        _ = await site.BackUpAsync(clone.Name);
        await clone.LoseAsync();
        File.Delete(template);

        (await site.RunAsync("restore", clone.Name, "--start")).MustSucceed();
        await clone.WaitUntilReadyAsync();

        Assert.Equal(checksum, Folder.Checksum(template));
        await AssertContentAsync(clone);
    }

    [LabFact]
    public async Task An_existing_template_is_kept_and_a_changed_one_is_refused()
    {
        string template = await CreateTemplateAsync();
        await using LabGuest clone = await StartCloneAsync("kept", template);
        BackupSite site = new((clone.Name, "rotate: 2"));
        _ = await site.BackUpAsync(clone.Name);
        await clone.LoseAsync();
        DateTime written = File.GetLastWriteTimeUtc(template);

        JsonElement report = await site.ReportAsync("restore", clone.Name, "--start");
        await clone.WaitUntilReadyAsync();
        await AssertContentAsync(clone);
        Assert.Contains(template, report.GetProperty("kept_files").EnumerateArray().Select(file => file.GetString()));
        Assert.Equal(written, File.GetLastWriteTimeUtc(template));

        await clone.LoseAsync();
        await RunningProgram.RunAsync("qemu-io", "-c", "write -P 7 0 4096", template);
        string changed = Folder.Describe(LabEnvironment.ImagesPath);
        Outcome refused = (await site.RunAsync("restore", clone.Name, "--start")).MustEndWith(2);
        Assert.Contains($"{template} exists with other content", refused.Error, StringComparison.Ordinal);
        Assert.Contains("--to DIR", refused.Error, StringComparison.Ordinal);
        Assert.Equal(changed, Folder.Describe(LabEnvironment.ImagesPath));
        Assert.False(await Virsh.ExistsAsync(clone.Name));
    }

    [LabFact]
    public async Task A_copy_of_a_clone_elsewhere_has_its_own_template_and_can_be_moved()
    {
        string template = await CreateTemplateAsync();
        await using LabGuest clone = await StartCloneAsync("source", template);
        BackupSite site = new((clone.Name, "rotate: 2"));
        _ = await site.BackUpAsync(clone.Name);
        string folder = LabEnvironment.NewDirectory("copy");

        (await site.RunAsync("restore", clone.Name, "--as", "copied", "--to", folder, "--start")).MustSucceed();
        await using LabGuest copy = LabGuest.Attach("copied");
        await copy.WaitUntilReadyAsync();

        await AssertContentAsync(copy);
        string disk = await copy.SourceOfAsync("vda");
        Assert.StartsWith(folder, disk, StringComparison.Ordinal);
        Outcome info = await RunningProgram.RunAsync("qemu-img", "info", "-U", "--output=json", disk);
        JsonElement image = JsonDocument.Parse(info.MustSucceed().Output).RootElement;
        string backing = image.GetProperty("backing-filename").GetString()!;
        Assert.False(Path.IsPathRooted(backing), $"{backing} is absolute, so the copy cannot be moved.");
        Assert.True(File.Exists(Path.Combine(folder, backing)));
    }

    private static async Task<string> CreateTemplateAsync()
    {
        string content = LabEnvironment.NewDirectory("content");
        await File.WriteAllTextAsync(Path.Combine(content, "base"), "from the template");
        string template = Path.Combine(LabEnvironment.ImagesPath, $"{Path.GetFileName(content)}-template.qcow2");
        await LabImage.CreateAsync(new LabDisk("vda") { ContentDirectory = content }, template);
        return template;
    }

    private static Task<LabGuest> DefineCloneAsync(string name, string template) =>
        LabGuest.DefineAsync(
            new LabGuestSpecification(name) { Disks = [new LabDisk("vda") { BackingPath = template }] });

    private static async Task<LabGuest> StartCloneAsync(string name, string template)
    {
        LabGuest clone = await DefineCloneAsync(name, template);
        await clone.BootAsync();
        await clone.WriteFileAsync("/data/own", "from the clone"u8.ToArray());
        return clone;
    }

    private static async Task AssertContentAsync(LabGuest guest) =>
        Assert.Equal(
            "from the template from the clone", await guest.RunAsync("cat /data/base; echo -n ' '; cat /data/own"));
}
