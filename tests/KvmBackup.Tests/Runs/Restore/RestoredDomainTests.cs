using KvmBackup.Runs;
using KvmBackup.Storage;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs.Restore;

/// <summary>A restore over an existing domain, and over the remains of an earlier one.</summary>
public sealed class RestoredDomainTests : IAsyncLifetime
{
    private const string Saved = "managedsave-dumpxml";
    private const string Remove = "managedsave-remove";
    private const string Define = "virsh define";
    private const string Autostart = "virsh autostart";
    private const string Start = "virsh start";
    private readonly TemporaryFolder folder = new();
    private readonly BackupDirectory target;
    private readonly RecordedShell shell;

    public RestoredDomainTests()
    {
        target = new BackupDirectory(folder.PathOf("backups"), TimeProvider.System);
        target.EnsureUsable();
        shell = new RecordedShell(folder.DirectoryPath).Now([.. Web1.Facts, "shut-off/domstate", "running/list"]);
    }

    private static Reply NotSaved => Reply.Of("shut-off/managedsave-dumpxml");

    private static Reply IsSaved => Reply.Good("<domain/>");

    private string Place => folder.PathOf("restored");

    private RestoreRequest Request =>
        new(RealBackups.Web1, null, Place, null, null, true, true, RealBackups.Web1, false);

    public async Task InitializeAsync() => _ = await RealBackups.PublishAsync(
        target, ManifestSamples.Id,
        $"<domain type='kvm'><name>web1</name><devices>{Disk("vda")}{Disk("vdb")}</devices></domain>");

    private static string Disk(string name) =>
        $"<disk device='disk' type='file'><source file='/images/{name}.raw'/><target dev='{name}'/></disk>";

    public Task DisposeAsync()
    {
        folder.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Saved_memory_is_refused_before_anything_is_written()
    {
        shell.On(Saved, IsSaved);

        await AssertRefusedAsync(Request, "--discard-saved-state");
    }

    [Fact]
    public async Task Saved_memory_is_discarded_when_the_disks_are_complete_and_before_they_get_their_names()
    {
        shell.On(Saved, IsSaved, NotSaved).On(
            Define, Reply.Good("defined")).On(Autostart, Reply.Good("")).On(Start, Reply.Good(""))
            .On(Remove, Reply.Good("Removed").Then(() => Assert.All(
                Directory.GetFiles(Place), file =>
                    Assert.EndsWith(".kvmbackup-partial", file, StringComparison.Ordinal))));

        RestoreReport report = await RunAsync(Request with { DiscardsSavedState = true });

        Assert.Equal([Remove, Define, Autostart, Start], shell.Order(Remove, Define, Autostart, Start));
        Assert.Equal((true, true, true), (report.IsDefined, report.IsStarted, report.IsAutostarted));
        Assert.Contains(report.Warnings,
            warning => warning.Contains("the saved memory of web1 was discarded", StringComparison.Ordinal));
        Assert.Equal(0, shell.Count("--force-boot"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_saved_memory_of_an_earlier_guest_of_that_name_is_never_resumed(bool starts)
    {
        HaveNoDomain();
        shell.On(Saved, IsSaved);

        RunsException failure =
            await Assert.ThrowsAsync<RunsException>(() => RunAsync(Request with { Start = starts }));

        Assert.Equal(ExitCode.ManualActionRequired, failure.ExitCode);
        Assert.EndsWith("`virsh start --force-boot --domain web1`", failure.Message, StringComparison.Ordinal);
        Assert.Equal(0, shell.Count(Start));
    }

    [Fact]
    public async Task The_saved_memory_of_an_earlier_guest_is_discarded_on_request()
    {
        HaveNoDomain();
        shell.On(Saved, IsSaved).On(Start, Reply.Good(""));

        RestoreReport report = await RunAsync(Request with { DiscardsSavedState = true });

        Assert.Equal(1, shell.Count("virsh start --force-boot --domain web1"));
        Assert.Contains(report.Warnings,
            warning => warning.Contains("earlier guest named web1 was discarded", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Autostart_is_restored_for_a_lost_guest_and_not_for_a_copy()
    {
        HaveNoDomain();
        shell.On(Saved, NotSaved).On(Start, Reply.Good(""));
        Assert.True((await RunAsync(Request)).IsAutostarted);
        Directory.Delete(Place, recursive: true);

        HaveNoDomain();
        shell.On(Saved, NotSaved).On(Start, Reply.Good(""));
        Assert.False((await RunAsync(Request with { NewName = new DomainName("copy"), Replace = null })).IsAutostarted);
        Assert.Equal(1, shell.Count(Autostart));
    }

    [Fact]
    public async Task Snapshots_and_checkpoints_of_the_replaced_domain_are_refused_with_the_commands_that_remove_them()
    {
        shell.Now(
            "foreign/snapshot-list", "foreign/snapshot-current", "foreign/snapshot-dumpxml", "foreign/checkpoint-list");

        await AssertRefusedAsync(
            Request, $"virsh snapshot-delete --metadata --domain {Web1.Uuid} --snapshotname other-snapshot",
            $"virsh checkpoint-delete --metadata --domain {Web1.Uuid} --checkpointname other-checkpoint");
    }

    [Fact]
    public async Task A_disk_that_the_definition_does_not_name_is_not_restored() => await AssertRefusedAsync(
        Request with { TargetDirectory = null, Define = false, Start = false, Disk = Web1.Vda },
        $"the definition of web1 names {folder.PathOf("web1.qcow2")} instead of /images/vda.raw");

    [Fact]
    public async Task Disks_of_the_replaced_definition_that_do_not_belong_to_the_guest_any_more_are_named()
    {
        shell.On(Saved, NotSaved, NotSaved).On(
            Define, Reply.Good("defined")).On(Autostart, Reply.Good("")).On(Start, Reply.Good(""));

        RestoreReport report = await RunAsync(Request);

        Assert.Contains(report.Warnings, warning =>
            warning.StartsWith(
                $"disk vda of the replaced definition, {folder.PathOf("web1.qcow2")}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_path_through_a_missing_folder_resolves_to_the_folder_above_it()
    {
        RestoreReport report = await RunAsync(Request with
        {
            TargetDirectory = folder.PathOf("gone", "..", "restored"),
            Define = false,
            Start = false,
            Replace = null,
        });

        Assert.Equal(2, report.WrittenFiles.Count);
        Assert.Equal(2, Directory.GetFiles(Place).Length);
        Assert.StartsWith("No domain was defined.", Assert.Single(report.Commands), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failed_start_is_reported_with_the_command_that_starts_the_restored_guest()
    {
        HaveNoDomain();
        shell.On(Saved, NotSaved).On(Start, Reply.Bad("error: Network not found: no network with matching name 'x'"));

        RunsException failure = await Assert.ThrowsAsync<RunsException>(() => RunAsync(Request));

        Assert.Equal(ExitCode.Failed, failure.ExitCode);
        Assert.Contains(
            "the disks are restored and the domain is defined, but web1: starting the domain failed: virsh reported: "
                + "error: Network not found", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith("then start it: `virsh start --domain web1`", failure.Message, StringComparison.Ordinal);
        Assert.Equal(2, Directory.GetFiles(Place).Length);
    }

    private void HaveNoDomain() => shell.On("list --all", Reply.Good(""), Reply.Good(""))
        .On(Define, Reply.Good("defined")).On(Autostart, Reply.Good(""));

    private Task<RestoreReport> RunAsync(RestoreRequest request) =>
        RestoreSamples.Run(target, shell, folder.PathOf("keys")).RunAsync(request, null, CancellationToken.None);

    private async Task AssertRefusedAsync(RestoreRequest request, params string[] because)
    {
        RunsException failure = await Assert.ThrowsAsync<RunsException>(() => RunAsync(request));

        Assert.Equal(ExitCode.Usage, failure.ExitCode);
        Assert.All(because, text => Assert.Contains(text, failure.Message, StringComparison.Ordinal));
        Assert.False(Directory.Exists(Place));
        Assert.Equal(0, shell.Count(Define));
    }
}
