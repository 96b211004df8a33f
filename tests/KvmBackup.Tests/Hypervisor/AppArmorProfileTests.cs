using KvmBackup.Hypervisor;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Hypervisor;

public sealed class AppArmorProfileTests : IDisposable
{
    private const string Base = "/var/lib/libvirt/images/web1.qcow2";
    private readonly TemporaryFolder folder = new();
    private readonly RecordedShell shell = new();
    private readonly string profilePath;
    private readonly string rulesPath;

    public AppArmorProfileTests()
    {
        profilePath = folder.PathOf($"libvirt-{Web1.Uuid}");
        rulesPath = $"{profilePath}.files";
        Generated.WriteTo(folder.DirectoryPath, Base, Web1.VdaOverlay.OverlayPath);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Only_the_rule_that_denies_the_base_is_removed_and_the_profile_is_loaded()
    {
        string[] before = await File.ReadAllLinesAsync(rulesPath);

        ProfileChange change = await AllowAsync();

        Assert.True(change.IsChanged, change.Text);
        Assert.Equal(before
            .Where(line => line.Trim() != $"deny \"{Base}\" w,"), await File.ReadAllLinesAsync(rulesPath));
        Assert.Equal(before.Length - 1, (await File.ReadAllLinesAsync(rulesPath)).Length);
        Assert.Equal(
            ["--replace", "--skip-read-cache", profilePath],
            shell.Calls.Single(call => call.Program == "apparmor_parser").Arguments);
        Assert.Contains($"deny \"{Base}\" w,", change.Text, StringComparison.Ordinal);
        Assert.Contains(rulesPath, change.Text, StringComparison.Ordinal);
        Assert.Equal(2, Directory.GetFiles(folder.DirectoryPath).Length);
    }

    [Fact]
    public async Task The_file_keeps_its_mode()
    {
        const UnixFileMode mode =
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        File.SetUnixFileMode(rulesPath, mode);

        _ = await AllowAsync();

        Assert.Equal(mode, File.GetUnixFileMode(rulesPath));
    }

    [Fact]
    public async Task The_rule_for_a_base_behind_a_link_names_its_real_path()
    {
        ProfileChange change = await AllowAsync("/images/web1.qcow2", realPath: Base);

        Assert.True(change.IsChanged, change.Text);
        Assert.DoesNotContain($"deny \"{Base}\" w,", await File.ReadAllTextAsync(rulesPath), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/var/lib/libvirt/images/web1")]
    [InlineData("/var/lib/libvirt/images/web1.qcow2.old")]
    [InlineData("/var/lib/libvirt/images/*")]
    public async Task A_rule_about_another_file_stays(string path)
    {
        string before = await File.ReadAllTextAsync(rulesPath);

        ProfileChange change = await AllowAsync(path, realPath: path);

        Assert.False(change.IsChanged);
        Assert.Equal(before, await File.ReadAllTextAsync(rulesPath));
        Assert.Equal(0, shell.Count("apparmor_parser"));
    }

    [Theory]
    [InlineData("regular file|0|644\nsymbolic link|0|777\n")]
    [InlineData("regular file|0|644\nregular file|1000|644\n")]
    [InlineData("regular file|0|644\nregular file|0|664\n")]
    [InlineData("regular file|0|646\nregular file|0|644\n")]
    [InlineData("regular file|0|644\nfifo|0|600\n")]
    [InlineData("regular file|0|644\n")]
    public async Task A_file_that_others_may_have_written_is_unchanged(string statistics)
    {
        string before = await File.ReadAllTextAsync(rulesPath);

        ProfileChange change = await Profile(new RecordedShell().On("stat", Reply.Good(statistics)))
            .AllowWritesAsync(Web1.Identity, Base, CancellationToken.None);

        Assert.False(change.IsChanged);
        Assert.Equal(before, await File.ReadAllTextAsync(rulesPath));
    }

    [Fact]
    public async Task A_file_that_libvirt_did_not_generate_is_unchanged()
    {
        string own = $"  deny \"{Base}\" w,\n";
        await File.WriteAllTextAsync(rulesPath, own);

        ProfileChange change = await AllowAsync();

        Assert.False(change.IsChanged);
        Assert.Equal(own, await File.ReadAllTextAsync(rulesPath));
    }

    [Fact]
    public async Task A_profile_that_libvirt_changes_at_the_same_time_keeps_what_libvirt_wrote()
    {
        const string attached = "  \"/var/lib/libvirt/images/attached.qcow2\" rwk,\n";
        RecordedShell changing = new RecordedShell()
            .On("stat", Reply.Good("regular file|0|644\nregular file|0|644\n"))
            .On("realpath", Reply.Good($"{Base}\0").Then(() => File.AppendAllText(rulesPath, attached)));

        ProfileChange change = await Profile(changing).AllowWritesAsync(Web1.Identity, Base, CancellationToken.None);

        Assert.False(change.IsChanged);
        Assert.EndsWith(attached, await File.ReadAllTextAsync(rulesPath), StringComparison.Ordinal);
        Assert.Equal(2, Directory.GetFiles(folder.DirectoryPath).Length);
    }

    [Fact]
    public async Task A_guest_without_a_profile_is_reported()
    {
        File.Delete(profilePath);

        ProfileChange change = await AllowAsync();

        Assert.False(change.IsChanged);
        Assert.Contains("there is no AppArmor profile", change.Text, StringComparison.Ordinal);
        Assert.Empty(shell.Calls);
    }

    [Fact]
    public async Task A_parser_that_is_missing_is_reported_and_the_next_commit_may_load_the_profile()
    {
        RecordedShell without = Generated.Answer(new RecordedShell(), Base, Reply.Missing);

        ProfileChange change = await Profile(without).AllowWritesAsync(Web1.Identity, Base, CancellationToken.None);

        Assert.True(change.IsChanged);
        Assert.Contains("apparmor_parser cannot be started", change.Text, StringComparison.Ordinal);
    }

    private Task<ProfileChange> AllowAsync(string path = Base, string realPath = Base) =>
        Profile(Generated.Answer(shell, realPath)).AllowWritesAsync(Web1.Identity, path, CancellationToken.None);

    private AppArmorProfile Profile(RecordedShell programs) => new(programs, folder.DirectoryPath, Logger.None);
}
