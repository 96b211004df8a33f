using System.Text.Json;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Images in a Ceph cluster without a guest, each with its own backups.</summary>
[Trait("Needs", "Ceph")]
public sealed class RbdImagesTests : IAsyncLifetime
{
    private readonly StandaloneImages images = new();

    public Task InitializeAsync() => LabCeph.EnsureStartedAsync();

    public Task DisposeAsync() => images.DisposeAsync().AsTask();

    [LabFact]
    public async Task Each_image_has_its_own_backups_which_are_restored_byte_for_byte()
    {
        LabRbdImage first = await images.CreateAsync("own-1");
        LabRbdImage other = await images.CreateAsync("own-2");
        BackupSite site = new();
        site.ConfigureImages(
            ("volumes", "pool: rbd, name: \"own-*\", rotate: 9, full_every: {points: 3}, verify: true"));
        List<(string Id, string Checksum)> points = [];
        foreach (string kind in new[] { "full", "incremental", "incremental", "full" })
        {
            await StandaloneImages.ChangeAsync(first);
            JsonElement jobs = (await site.ReportAsync("run")).GetProperty("jobs");
            Assert.Equal([StandaloneImages.NameOf(first), StandaloneImages.NameOf(other)],
                jobs.EnumerateArray().Select(job => job.GetProperty("domain").GetString()));
            JsonElement backup = jobs[0].GetProperty("backup");
            Assert.Equal(kind, backup.GetProperty("kind").GetString());
            Assert.Equal("crash", backup.GetProperty("consistency").GetString());
            Assert.Empty(jobs[0].GetProperty("warnings").EnumerateArray());
            Assert.Single(await LabCeph.SnapshotsAsync(first));
            points.Add(
                (backup.GetProperty("id").GetString()!, await StandaloneImages.ChecksumAsync(first.Specification)));
        }

        (await site.RunAsync("verify", "--all")).MustSucceed();
        foreach ((string id, string checksum) in points)
        {
            Assert.Equal(checksum, await RestoreAsync(site, first, id));
        }

        Assert.Equal(4, points.Select(point => point.Checksum).Distinct().Count());
        Assert.Empty(site.JournalEntries);
    }

    [LabFact]
    public async Task A_pattern_without_an_image_fails_and_excluded_or_unrequested_images_are_not_backed_up()
    {
        LabRbdImage first = await images.CreateAsync("sel-1");
        LabRbdImage second = await images.CreateAsync("sel-2");
        LabRbdImage swap = await images.CreateAsync("sel-1-swap");
        BackupSite site = new();
        site.ConfigureImages(
            ("volumes", "pool: rbd, name: [\"sel-*\", \"nothing-*\"], exclude: \"*-swap\", rotate: 2, "
                + "ceph: {user: kvmbackup, keyring: /etc/ceph/ceph.client.kvmbackup.keyring}"));

        JsonElement[] planned = Jobs(await site.ReportAsync(3, "backup", "volumes", "--dry-run"));
        Outcome listed = Assert.Single(await new TypedAdvice(site).TypeAsync(
            ReasonOf(planned[0]), "rbd --id kvmbackup --keyring /etc/ceph/ceph.client.kvmbackup.keyring ls rbd"));
        Assert.Contains("sel-1-swap", listed.Output.Split('\n'));
        Assert.Contains($"snap create --no-progress {first}@kvmbackup.", planned[1].GetProperty("commands").ToString(),
            StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(site.BackupPath));
        Assert.Equal(StandaloneImages.NameOf(second), Assert.Single(
            Jobs(await site.ReportAsync("backup", second.Specification))).GetProperty("domain").GetString());
        Assert.Empty(await LabCeph.SnapshotsAsync(first));

        JsonElement[] jobs = Jobs(await site.ReportAsync(3, "run"));

        Assert.Equal(["volumes", StandaloneImages.NameOf(first), StandaloneImages.NameOf(second)],
            jobs.Select(job => job.GetProperty("domain").GetString()));
        Assert.Contains("the pattern 'nothing-*' matches no image in rbd", ReasonOf(jobs[0]), StringComparison.Ordinal);
        Assert.Empty(await LabCeph.SnapshotsAsync(swap));
        Assert.Contains(StandaloneImages.NameOf(second), (await site.RunAsync("list")).MustSucceed().Output,
            StringComparison.Ordinal);
        Assert.Contains("2 image(s)", (await site.RunAsync("check")).MustEndWith(1).Output, StringComparison.Ordinal);
    }

    [LabFact]
    public async Task An_image_created_again_in_a_namespace_starts_a_new_chain_and_keeps_old_backups()
    {
        await LabCeph.RbdAsync("namespace", "create", "rbd/ns1");
        LabRbdImage image = await images.CreateAsync(new LabRbdImage("anew") { Namespace = "ns1" });
        BackupSite site = new();
        site.ConfigureImages(("volumes", "pool: rbd, namespace: ns2, rotate: 1, full_every: 5"));
        JsonElement missing = Assert.Single(Jobs(await site.ReportAsync(1, "run")));
        Outcome spaces = Assert.Single(
            await new TypedAdvice(site).TypeAsync(ReasonOf(missing), "rbd namespace ls rbd"));
        Assert.Contains("ns1", spaces.Output, StringComparison.Ordinal);
        site.ConfigureImages(("volumes", "pool: rbd, namespace: ns1, rotate: 1, full_every: 5"));
        _ = await BackUpAsync(site, image);
        await LabCeph.RemoveAsync(image);
        _ = await images.CreateAsync(image);

        JsonElement job = await BackUpAsync(site, image);

        Assert.Equal("full", job.GetProperty("backup").GetProperty("kind").GetString());
        Assert.Contains(
            "created again with the same name", job.GetProperty("warnings").ToString(), StringComparison.Ordinal);
        Assert.Equal(2, site.BackupDirectories("rbd%3Arbd%2Fns1%2Fanew").Count);
        await LabCeph.RemoveAsync(image);
        await LabCeph.RbdAsync("namespace", "remove", "rbd/ns1");
    }

    [LabFact]
    public async Task An_image_of_a_guest_is_not_backed_up_twice_and_an_excluded_one_not_at_all()
    {
        LabRbdImage taken = new("guest-taken");
        LabRbdImage excluded = new("guest-excluded");
        LabRbdImage free = await images.CreateAsync("guest-free");
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("with-images")
        {
            Disks = [new LabDisk("vda"), new LabDisk("vdb") { Rbd = taken }, new LabDisk("vdc") { Rbd = excluded }],
        });
        await Virsh.RunAsync(
            "metadata", guest.Name, "https://kvmbackup.org/xmlns/domain/1.0", "--key", "kvmbackup", "--config",
            "--set", "<backup><exclude disk='vdc'/></backup>");
        BackupSite site = new();
        site.ConfigureImages(("volumes", "pool: rbd, name: \"guest-*\", rotate: 2"), (guest.Name, "rotate: 2"));

        JsonElement[] jobs = Jobs(await site.ReportAsync("run"));

        Assert.Equal(
            [guest.Name, StandaloneImages.NameOf(excluded), StandaloneImages.NameOf(free),
                StandaloneImages.NameOf(taken)], jobs.Select(job => job.GetProperty("domain").GetString()));
        string manifest = File.ReadAllText(Path.Combine(site.BackupDirectories(guest.Name)[^1], "manifest.json"));
        Assert.Contains("excluded in the domain's metadata (kvmbackup:exclude)", manifest, StringComparison.Ordinal);
        Assert.Equal(["succeeded", "skipped", "succeeded", "skipped"],
            jobs.Select(job => job.GetProperty("outcome").GetString()));
        Assert.Equal($"excluded in the metadata of the domain {guest.Name}, as its disk vdc", ReasonOf(jobs[1]));
        Assert.Equal($"backed up with the domain {guest.Name} as its disk vdb", ReasonOf(jobs[3]));

        site.Configure(("domains_by_pool", [("rbd", "rotate: 2")]));
        JsonElement found = Assert.Single(Jobs(await site.ReportAsync("run")));
        Assert.Equal((guest.Name, "succeeded"),
            (found.GetProperty("domain").GetString(), found.GetProperty("outcome").GetString()));
    }

    [LabFact]
    public async Task Snapshots_of_another_program_are_each_read_once_and_never_changed()
    {
        LabRbdImage image = await images.CreateAsync("theirs");
        BackupSite site = new();
        site.ConfigureImages(
            ("volumes",
                "pool: rbd, name: theirs, rotate: 9, full_every: 5, snapshot: {external: \"auto-%Y%m%d\", ready: "
                + "\"auto-%Y%m%d-ready\"}"));
        await SnapAsync(image, "auto-20261118");
        Assert.Contains("is not ready", ReasonOf(Jobs(await site.ReportAsync(1, "run"))[0]), StringComparison.Ordinal);
        await SnapAsync(image, "auto-20261118-ready");
        await LabCeph.RbdAsync("snap", "protect", image.At("auto-20261118"));
        Assert.Equal("full", KindOf(await BackUpAsync(site, image)));
        JsonElement again = await BackUpAsync(site, image);
        Assert.Equal(("skipped", true), (again.GetProperty("outcome").GetString(),
            ReasonOf(again).StartsWith("already backed up", StringComparison.Ordinal)));
        await StandaloneImages.ChangeAsync(image);
        await SnapAsync(image, "auto-20261119");
        await StandaloneImages.ChangeAsync(image);
        await SnapAsync(image, "auto-20261119-ready");

        Assert.Equal("incremental", KindOf(await BackUpAsync(site, image)));

        LabRbdSnapshot[] left = [.. await LabCeph.SnapshotsAsync(image)];
        Assert.Equal(["auto-20261118", "auto-20261118-ready", "auto-20261119", "auto-20261119-ready"],
            left.Select(snapshot => snapshot.Name));
        Assert.True(left[0].IsProtected);
        foreach ((string id, string snapshot) in site.BackupIds(StandaloneImages.FolderOf(image))
            .Zip(["auto-20261118", "auto-20261119"]))
        {
            Assert.Equal(await StandaloneImages.ChecksumAsync(image.At(snapshot)), await RestoreAsync(site, image, id));
        }

        await LabCeph.RbdAsync("snap", "unprotect", image.At("auto-20261118"));
    }

    [LabFact]
    public async Task Snapshots_of_images_are_listed_with_pending_deletions_trimmed_and_reset()
    {
        LabRbdImage image = await images.CreateAsync("shown");
        BackupSite site = new();
        site.ConfigureImages(("volumes", "pool: rbd, name: shown, rotate: 9, full_every: 9, keep_on_cluster: 2"));
        _ = await BackUpAsync(site, image);
        _ = await BackUpAsync(site, image);
        site.ConfigureImages(("volumes", "pool: rbd, name: shown, rotate: 9, full_every: 9"));
        FaultyPrograms programs = new();
        await SnapAsync(image, "before-upgrade");
        (await programs.RunAsync(site, at: 0, ProgramFault.Fail)).MustSucceed();
        int create = 1
            + programs.Calls.ToList().FindIndex(call => call.Contains("snap create", StringComparison.Ordinal));
        _ = (await programs.RunAsync(site, create, ProgramFault.Fail)).MustEndWith(1);

        JsonElement listed = await site.ReportAsync("snapshots", "list");

        Assert.Equal(
            ["kept"],
            listed.GetProperty("snapshots").EnumerateArray().Select(one => one.GetProperty("disposition").GetString()));
        string? pending = Assert.Single(listed.GetProperty("pending").EnumerateArray()).GetString();
        Assert.StartsWith($"{image}@kvmbackup.", pending, StringComparison.Ordinal);
        (await site.RunAsync("recover")).MustSucceed();
        Assert.Empty((await site.ReportAsync("snapshots", "list", "volumes")).GetProperty("pending").EnumerateArray());
        (await site.RunAsync("snapshots", "reset", image.Specification)).MustSucceed();
        Assert.Equal("before-upgrade", Assert.Single(await LabCeph.SnapshotsAsync(image)).Name);
        Assert.Equal("full", KindOf(await BackUpAsync(site, image)));
    }

    [LabFact]
    public async Task A_target_without_space_for_an_image_is_refused_before_the_snapshot()
    {
        LabRbdImage image = await images.CreateAsync("roomy");
        BackupSite site = new();
        site.ConfigureImages(("volumes", "pool: rbd, name: roomy, rotate: 9"));
        (await RunningProgram.RunAsync("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", site.BackupPath))
            .MustSucceed();

        string printed = ReasonOf(Assert.Single(Jobs(await site.ReportAsync(1, "run"))));

        Assert.Contains("; free space, keep fewer backups", printed, StringComparison.Ordinal);
        Assert.Empty(await LabCeph.SnapshotsAsync(image));
        (await RunningProgram.RunAsync("umount", site.BackupPath)).MustSucceed();
    }

    [LabFact]
    public async Task Prune_handles_images_and_reports_uncovered_directories()
    {
        LabRbdImage image = await images.CreateAsync("pruned");
        BackupSite site = new();
        site.ConfigureImages(("volumes", "pool: rbd, name: pruned, rotate: 9"));
        _ = await BackUpAsync(site, image);
        _ = await BackUpAsync(site, image);
        site.ConfigureImages(("volumes", "pool: rbd, name: other, rotate: 1"));
        Assert.Contains(
            $"{StandaloneImages.NameOf(image)}: no selection of images of the configuration covers it",
            (await site.RunAsync("prune")).MustSucceed().Output,
            StringComparison.Ordinal);
        Assert.Equal(2, site.BackupDirectories(StandaloneImages.FolderOf(image)).Count);

        site.ConfigureImages(("volumes", "pool: rbd, name: pruned, rotate: 1"));
        (await site.RunAsync("prune")).MustSucceed();

        Assert.Single(site.BackupDirectories(StandaloneImages.FolderOf(image)));
    }

    private static JsonElement[] Jobs(JsonElement report) => [.. report.GetProperty("jobs").EnumerateArray()];

    private static async Task<JsonElement> BackUpAsync(BackupSite site, LabRbdImage image) =>
        Assert.Single(Jobs(await site.ReportAsync("backup", image.Specification)));

    private static string ReasonOf(JsonElement job) => job.GetProperty("reason").GetString()!;

    private static string KindOf(JsonElement job) => job.GetProperty("backup").GetProperty("kind").GetString()!;

    private static async Task<string> RestoreAsync(BackupSite site, LabRbdImage image, string id)
    {
        string folder = LabEnvironment.NewDirectory("restored");
        (await site.RunAsync("restore", $"{StandaloneImages.NameOf(image)}@{id}", "--to", folder)).MustSucceed();
        return Folder.Checksum(Assert.Single(Directory.GetFiles(folder)));
    }

    private static Task<string> SnapAsync(LabRbdImage image, string name) =>
        LabCeph.RbdAsync("snap", "create", "--no-progress", image.At(name));
}
