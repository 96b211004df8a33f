using KvmBackup.Runs;
using KvmBackup.Storage;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs.Restore;

/// <summary>Networks of a backup that a restore creates on this host.</summary>
public sealed class SavedNetworksTests : IDisposable
{
    private const string Lan = "<network><name>lan</name></network>";

    private const string Guest = "<domain type='kvm'><name>web1</name><devices>"
        + "<interface type='network'><source network='lan'/></interface>"
        + "<disk device='disk' type='file'><source file='/images/vda.raw'/><target dev='vda'/></disk>"
        + "<disk device='disk' type='file'><source file='/images/vdb.raw'/><target dev='vdb'/></disk>"
        + "</devices></domain>";

    private readonly TemporaryFolder folder = new();
    private readonly BackupDirectory target;
    private readonly RecordedShell shell;

    public SavedNetworksTests()
    {
        target = new BackupDirectory(folder.PathOf("backups"), TimeProvider.System);
        target.EnsureUsable();
        shell = new RecordedShell(folder.DirectoryPath)
            .On("list --all --uuid", Reply.Good(""), Reply.Good("")).On("net-list", Reply.Good(""), Reply.Good(""))
            .On("managedsave-dumpxml", Reply.Of("shut-off/managedsave-dumpxml"))
            .On("virsh define", Reply.Good("")).On("virsh autostart", Reply.Good(""))
            .On("virsh start", Reply.Good(""));
    }

    private string Place => folder.PathOf("restored");

    private RestoreRequest Request => new(RealBackups.Web1, null, Place, null, null, true, true, null, false)
    {
        CreatesNetworks = true,
    };

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_missing_network_is_created_before_the_disks_are_written()
    {
        shell.On("net-define", Reply.Good("").Then(() => Assert.False(Directory.Exists(Place))))
            .On("net-start", Reply.Good("")).On("net-autostart", Reply.Good(""));

        RestoreReport report = await RunAsync(Request, Lan);

        Assert.True(report.IsStarted);
        Assert.Equal(
            ["net-define", "net-start --network lan", "virsh define", "virsh start"],
            shell.Order("net-define", "net-start --network lan", "virsh define", "virsh start"));
        Assert.Contains("the network lan of the backup was created on this host (--create-networks)", report.Warnings);
    }

    [Fact]
    public async Task A_dry_run_prints_the_commands_and_creates_nothing()
    {
        RestoreReport report = await RunAsync(Request with { IsDryRun = true }, Lan);

        Assert.Equal(
            [
                "virsh net-define network-1.xml", "virsh net-start --network lan",
                "virsh net-autostart --network lan",
            ],
            report.Commands.Take(3));
        Assert.Equal(0, shell.Count("net-define"));
    }

    [Fact]
    public async Task A_dry_run_refuses_what_a_restore_refuses()
    {
        RunsException failure = await Assert.ThrowsAsync<RunsException>(
            () => RunAsync(Request with { IsDryRun = true, CreatesNetworks = false }, Lan));

        Assert.Equal(ExitCode.Usage, failure.ExitCode);
        Assert.Contains(
            "nothing was restored: the network lan does not exist on this host: create it from the backup with "
                + "--create-networks",
            failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Lan, ExitCode.Failed, "virsh reported: error: Network is already in use")]
    [InlineData("<network><name>default</name></network>", ExitCode.DamageFound, "is of another object")]
    public async Task Nothing_is_restored_when_a_network_cannot_be_created(string xml, ExitCode exitCode, string reason)
    {
        shell.On("net-define", Reply.Good("")).On("net-start", Reply.Bad("error: Network is already in use"))
            .On("net-undefine", Reply.Good(""));

        RunsException failure = await Assert.ThrowsAsync<RunsException>(() => RunAsync(Request, xml));

        Assert.Equal(exitCode, failure.ExitCode);
        Assert.Contains("nothing was restored: network lan:", failure.Message, StringComparison.Ordinal);
        Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
        Assert.EndsWith("--network lan=NEW", failure.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Place));
        Assert.Equal(exitCode == ExitCode.Failed ? 1 : 0, shell.Count("net-undefine"));
    }

    private async Task<RestoreReport> RunAsync(RestoreRequest request, string network)
    {
        _ = await RealBackups.PublishAsync(target, ManifestSamples.Id, Guest, network: network);
        return await RestoreSamples.Run(target, shell, folder.PathOf("keys"))
            .RunAsync(request, null, CancellationToken.None);
    }
}
