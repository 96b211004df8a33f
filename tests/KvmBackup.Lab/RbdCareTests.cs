using System.Text.Json;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Changes of images between and during backups, and faults of the connection: never a wrong backup, always a
/// reason.</summary>
[Trait("Needs", "Ceph")]
public sealed class RbdCareTests
{
    [LabFact]
    public async Task An_image_can_be_resized_and_renamed_between_the_backups_of_a_chain()
    {
        await using ImageSite site = await ImageSite.CreateAsync("shapes", new LabRbdImage("shapes"));
        await site.ChangeAsync("write -P 65 40M 8M");
        _ = await site.AssertBackupAsync("full");

        await ResizeAsync(site, "96M");
        await site.ChangeAsync("write -P 66 90M 1M");
        _ = await site.AssertBackupAsync("incremental");
        await ResizeAsync(site, "44M");
        _ = await site.AssertBackupAsync("incremental");
        await ResizeAsync(site, "30M");
        await ResizeAsync(site, "96M");
        _ = await site.AssertBackupAsync("incremental");
        LabRbdImage renamed = new("shapes anew");
        await LabCeph.RbdAsync("mv", site.Image.Specification, renamed.Specification);
        await site.UseAsync(renamed);
        await site.ChangeAsync("write -P 67 50M 1M", "discard 0 12M");
        _ = await site.AssertBackupAsync("incremental");

        await site.UseAsync(new LabRbdImage("shapes gone"));
        _ = await new TypedAdvice(site.Site).TypeAsync(await site.AssertRefusedAsync(), "rbd ls -l rbd");
        await LabCeph.RemoveAsync(renamed);
    }

    [LabFact]
    public async Task A_clone_is_read_with_the_content_of_its_parent_also_after_a_flatten()
    {
        LabRbdImage clone = new("clone");
        await using ImageSite site = await ImageSite.CreateAsync("clones", new LabRbdImage("parent"));
        LabRbdImage parent = site.Image;
        await site.ChangeAsync("write -P 65 4M 9M", "write -P 66 40M 3M");
        await LabCeph.RbdAsync("snap", "create", "--no-progress", parent.At("s"));
        await LabCeph.RbdAsync("snap", "protect", parent.At("s"));
        await LabCeph.RbdAsync("clone", parent.At("s"), clone.Specification);
        await site.UseAsync(clone);
        await site.ChangeAsync("write -P 67 5M 4k", "discard 8M 4M");
        _ = await site.AssertBackupAsync("full");

        await site.ChangeAsync("discard 40M 4M", "write -P 68 20M 4k", "write -P 70 50M 1M");
        _ = await site.AssertBackupAsync("incremental");
        await ResizeAsync(site, "36M");
        await ResizeAsync(site, "64M");
        _ = await site.AssertBackupAsync("incremental");
        await LabCeph.RbdAsync("flatten", "--no-progress", clone.Specification);
        await site.ChangeAsync("write -P 69 6M 4k");
        _ = await site.AssertBackupAsync("incremental");

        await site.UseAsync(parent);
        await LabCeph.RemoveAsync(clone);
    }

    [LabFact]
    public async Task An_invalid_object_map_is_reported_with_a_fix_and_the_content_is_right()
    {
        await using ImageSite site = await ImageSite.CreateAsync("invalid-map", new LabRbdImage("invalid map"));
        await LabCeph.RbdAsync("feature", "disable", site.Image.Specification, "fast-diff", "object-map");
        await LabCeph.RbdAsync("feature", "enable", site.Image.Specification, "object-map", "fast-diff");

        JsonElement job = await site.AssertBackupAsync("full");

        string warnings = string.Join('\n', job.GetProperty("warnings").EnumerateArray());
        _ = await new TypedAdvice(site.Site).TypeAsync(warnings, "rbd object-map rebuild 'rbd/invalid map'");
        string flags = (await LabCeph.RbdAsync("info", site.Image.Specification)).Split("flags:")[1].Split('\n')[0];
        Assert.DoesNotContain("invalid", flags, StringComparison.Ordinal);
    }

    [LabFact]
    public async Task A_wrong_connection_to_the_cluster_is_reported_with_its_cause()
    {
        await using ImageSite site = await ImageSite.CreateAsync("ways", new LabRbdImage("ways"));
        _ = await site.AssertBackupAsync("full");
        string folder = LabEnvironment.NewDirectory("keyrings");
        string wrong = Path.Combine(folder, "wrong");
        await File.WriteAllTextAsync(wrong, "[client.kvmbackup]\nkey = AQDkmF5nAAAAABAAyQ2pV0n0j0cQm3yP8Yc1fA==\n");
        string reader = Path.Combine(folder, "reader");
        await LabCeph.CephAsync("auth", "get-or-create", "client.reader", "mon", "profile rbd", "osd",
            "profile rbd-read-only", "-o", reader);
        string nowhere = Path.Combine(folder, "nowhere.conf");
        await File.WriteAllTextAsync(nowhere, "[global]\nmon_host = 127.0.0.1:1\n");
        string keyring = "/etc/ceph/ceph.client.kvmbackup.keyring";

        TypedAdvice advice = new(site.Site);
        List<string> complaints = [];
        async Task AssertReportedAsync(string expected, params string[] advised)
        {
            // All are tried before the assertion, to report every failure.
            string printed = await site.AssertRefusedAsync();
            complaints.AddRange(
                printed.Contains(expected, StringComparison.Ordinal) ? [] : [$"not reported: {expected}\n{printed}"]);
            foreach (string command in advised)
            {
                _ = await advice.TypeAsync(printed, command);
            }
        }

        foreach ((string ceph, string expected, string[] advised) in new (string, string, string[])[]
        {
            ($"user: kvmbackup, keyring: {wrong}", "The key of client.kvmbackup is wrong", ["ceph auth get"]),
            ($"user: kvmbackup, keyring: {folder}/none", "the keyring of client.kvmbackup", []),
            ($"user: reader, keyring: {reader}", "client.reader lacks permission", ["ceph auth get", "ceph auth caps"]),
            ($"user: kvmbackup, keyring: {keyring}, conf: {nowhere}", "The cluster cannot be reached",
                ["ceph health detail"]),
            ($"user: kvmbackup, keyring: {keyring}, conf: {folder}/none.conf", "unable to open config file", []),
        })
        {
            site.Site.Configure((site.Guest.Name, $"{ImageSite.Keys}, ceph: {{{ceph}}}"));
            await AssertReportedAsync(expected, advised);
        }

        // The advised command gave it the permission.
        site.Site.Configure((site.Guest.Name, $"{ImageSite.Keys}, ceph: {{user: reader, keyring: {reader}}}"));
        _ = await site.Site.BackUpAsync(site.Guest.Name);
        site.Site.Configure((site.Guest.Name, ImageSite.Keys));
        await site.RedefineAsync(
            xml => xml.Replace(LabCeph.SecretUuid, "00000000-0000-4000-8000-000000000001", StringComparison.Ordinal));
        await AssertReportedAsync("the key to the image rbd/ways cannot be read");
        string secret = Path.Combine(folder, "secret.xml");
        await File.WriteAllTextAsync(
            secret, "<secret ephemeral='no' private='yes'><uuid>00000000-0000-4000-8000-000000000001</uuid>"
            + "<usage type='ceph'><name>private</name></usage></secret>");
        await Virsh.RunAsync("secret-define", secret);
        await AssertReportedAsync("If the secret is private");
        Assert.True(complaints.Count == 0, string.Join("\n\n", complaints));
        Assert.Single(await LabCeph.SnapshotsAsync(site.Image));
        Assert.Contains(
            "nothing", (await site.Site.RunAsync("recover")).MustSucceed().Output, StringComparison.OrdinalIgnoreCase);
    }

    [LabFact]
    public async Task A_full_pool_and_a_reached_snapshot_limit_are_reported()
    {
        await LabCeph.EnsureStartedAsync();
        await LabCeph.CephAsync("osd", "pool", "create", "tiny", "8");
        await LabCeph.RbdAsync("pool", "init", "tiny");
        await using ImageSite site = await ImageSite.CreateAsync(
            "full-pool", new LabRbdImage("full") { Pool = "tiny" });
        await site.ChangeAsync("write -P 65 0 8M");
        _ = await site.AssertBackupAsync("full");

        await LabCeph.RbdAsync("snap", "limit", "set", "--limit", "1", site.Image.Specification);
        TypedAdvice advice = new(site.Site);
        _ = await advice.TypeAsync(await site.AssertRefusedAsync(), "rbd snap limit clear tiny/full");
        await LabCeph.CephAsync("osd", "pool", "set-quota", "tiny", "max_bytes", "1000000");
        await LabCeph.WaitForFullAsync("tiny", isFull: true);
        Outcome full = Assert.Single(await advice.TypeAsync(await site.AssertRefusedAsync(), "ceph df"));
        Assert.Contains("tiny", full.Output, StringComparison.Ordinal);

        await LabCeph.CephAsync("osd", "pool", "set-quota", "tiny", "max_bytes", "0");
        await LabCeph.WaitForFullAsync("tiny", isFull: false);

        _ = await site.AssertBackupAsync("incremental");
    }

    [LabFact]
    public async Task A_backup_whose_snapshot_was_removed_during_the_read_fails()
    {
        await using ImageSite site = await ImageSite.CreateAsync("robbed", new LabRbdImage("robbed"));
        _ = await site.AssertBackupAsync("full");
        await site.ChangeAsync("write -P 65 1M 1M");

        // The snapshot is removed after all data are read: they are right by chance, which the program cannot detect.
        Interposer remover = new(
            "case \" $* \" in *' export-diff '*) \"$real\" \"$@\" || exit\n"
            + "\"$real\" snap rm --no-progress \"$(printf '%s\\n' \"$@\" | grep '@kvmbackup')\" >&2; exit ;; esac");

        string printed = await site.AssertRefusedAsync(() => remover.RunAsync(site.Site, "run"));

        Assert.Contains("was removed while it was read", printed, StringComparison.Ordinal);
        Interposer unknown = new("case \" $* \" in *' info '*) echo '{'; exit ;; esac");
        Outcome version = Assert.Single(await new TypedAdvice(site.Site).TypeAsync(
            await site.AssertRefusedAsync(() => unknown.RunAsync(site.Site, "run")), "rbd --version"));
        Assert.Contains("ceph version", version.Output, StringComparison.Ordinal);
        _ = await site.AssertBackupAsync("incremental");
    }

    [LabFact]
    public async Task A_snapshot_left_in_the_cluster_is_removed_by_the_advised_command()
    {
        await using ImageSite site = await ImageSite.CreateAsync("left", new LabRbdImage("it's left"));
        TypedAdvice advice = new(site.Site);
        _ = await site.AssertBackupAsync("full");
        string uuid = (await Virsh.RunAsync("domuuid", site.Guest.Name)).Trim();
        string snapshot = site.Image.At($"kvmbackup.{uuid}.vda.20200101T000000Z.0badcafe");
        await LabCeph.RbdAsync("snap", "create", "--no-progress", snapshot);

        JsonElement job = await site.Site.BackUpAsync(site.Guest.Name);
        _ = await advice.TypeAsync(string.Join('\n', job.GetProperty("warnings").EnumerateArray()), "rbd snap rm");
        await site.AssertNewestIsAtItsSnapshotAsync();

        await using RunningProgram paused = Interposer.StoppingAfter("create").Start(site.Site, "run");
        await paused.WaitUntilStoppedAsync("the snapshot was not made");
        await CrashSite.KillWatcherAsync(paused);
        await paused.SignalAsync("KILL");
        Interposer refusing = new(
            "case \" $* \" in *' snap rm '*) echo 'rbd: refused for this test' >&2; exit 5 ;; esac");
        string printed = (await refusing.RunAsync(site.Site, "recover")).Output;
        Assert.Contains("refused for this test", printed, StringComparison.Ordinal);
        _ = await advice.TypeAsync(printed, "rbd info");
        _ = await advice.TypeAsync(printed, "rbd snap rm");
        await site.AssertNewestIsAtItsSnapshotAsync();
        (await site.Site.RunAsync("recover")).MustSucceed();
        _ = await site.AssertBackupAsync("incremental");
    }

    private static Task<string> ResizeAsync(ImageSite site, string size) =>
        LabCeph.RbdAsync("resize", "--no-progress", "--allow-shrink", "--size", size, site.Image.Specification);
}
