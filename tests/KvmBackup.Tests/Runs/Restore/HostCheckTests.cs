using KvmBackup.Hypervisor;
using KvmBackup.Planning;
using KvmBackup.Runs.Restore;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs.Restore;

/// <summary>What a host lacks for a restored definition, with a hint for each.</summary>
public sealed class HostCheckTests : IDisposable
{
    private const string Secret = "5b4f6f0e-6a2f-4a53-9f0e-000000000001";

    private const string Guest = """
        <domain type='kvm'><os><type arch='x86_64' machine='pc-q35-9.0'>hvm</type></os><devices>
        <interface type='network'><source network='lan'/><filterref filter='outer'/></interface>
        <interface type='bridge'><source bridge='br-absent'/></interface>
        <disk type='file' device='cdrom'><source file='/absent/a.iso'/><target dev='sda'/></disk>
        <disk type='file' device='disk'><source file='/absent/vda'/><target dev='vda'/></disk>
        <disk type='file' device='disk'><source file='/absent/vdb'/><target dev='vdb'/></disk>
        <filesystem type='mount'><source dir='/absent/share'/><target dir='share'/></filesystem>
        </devices></domain>
        """;

    private const string OnNetwork =
        "<domain><devices><interface type='network'><source network='lan'/></interface></devices></domain>";

    private readonly TemporaryFolder folder = new();
    private readonly RecordedShell shell = new();
    private readonly RestoreRequest request =
        new(new DomainName("web1"), null, null, null, null, true, true, null, false);

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task All_that_is_missing_is_refused_at_once_before_a_start()
    {
        HaveNothing();

        HostFindings findings = await ExamineAsync(Guest, request);

        Assert.Equal(
            [
                "this host cannot run the machine type pc-q35-9.0 (kvm, x86_64): libvirt reported: error: no: use "
                    + "another one with --machine TYPE, or another emulator with --emulator PATH",
                "the network lan does not exist on this host: create it from the backup with --create-networks, or "
                    + "use a network of this host with --network lan=NEW",
                "the network filter outer does not exist on this host: create it from the backup with "
                    + "--create-networks",
                "the bridge br-absent does not exist on this host: create it, or use a network of this host with "
                    + "--network br-absent=NEW",
                "the folder /absent/share, which the guest mounts, does not exist on this host: create it",
                "the medium /absent/a.iso of drive sda does not exist on this host: copy it there, or leave the "
                    + "drives empty with --without-media",
                "disk vdb uses /absent/vdb, which is neither in the backup nor on this host: create it",
            ],
            findings.Refusals);
        Assert.Empty(findings.Warnings);
    }

    [Fact]
    public async Task Without_a_start_only_what_prevents_the_definition_is_refused()
    {
        HaveNothing();

        HostFindings findings = await ExamineAsync(Guest, request with { Start = false });

        Assert.StartsWith("this host cannot run the machine type", Assert.Single(findings.Refusals));
        Assert.Equal(6, findings.Warnings.Count);
        Assert.All(findings.Warnings, text =>
            Assert.StartsWith("before the guest starts: ", text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Each_option_that_a_refusal_names_removes_it()
    {
        shell.On("domcapabilities", Reply.Good("")).On("net-list", Reply.Good("default\n"), Reply.Good("default\n"))
            .On("nwfilter-list", Reply.Good(""));

        HostFindings findings = await ExamineAsync(Guest, request with
        {
            CreatesNetworks = true,
            Host = new HostEdit
            {
                Machine = "q35",
                Networks = new Dictionary<string, string> { ["br-absent"] = "default" },
                RemovesMedia = true,
            },
        });

        Assert.Equal(
            ["the folder /absent/share", "disk vdb uses /absent/vdb"],
            findings.Refusals.Select(text => text.Split(',')[0]));
        Assert.Equal(
            ["network-1.xml", "nwfilter-1.xml", "nwfilter-2.xml"], findings.Created.Select(saved => saved.Member));
        Assert.Equal(1, shell.Count("--machine q35"));
    }

    [Fact]
    public async Task A_network_that_exists_is_not_created_and_an_inactive_one_is_named()
    {
        shell.On("net-list --name --all", Reply.Good("lan\n")).On("net-list", Reply.Good(""));

        HostFindings findings = await ExamineAsync(OnNetwork, request with { CreatesNetworks = true });

        Assert.Empty(findings.Created);
        Assert.Equal(
            "the network lan is not active: start it: `virsh net-start --network lan`, or use a network of this host "
                + "with --network lan=NEW",
            Assert.Single(findings.Refusals));
    }

    [Fact]
    public async Task Networks_of_the_option_must_exist_in_the_definition_and_on_the_host_even_without_a_start()
    {
        shell.On("net-list", Reply.Good("default\n"), Reply.Good("default\n"));

        HostFindings findings = await ExamineAsync(OnNetwork, request with
        {
            Start = false,
            Host = new HostEdit
            {
                Networks = new Dictionary<string, string> { ["lan"] = "absent", ["br7"] = "default" },
            },
        });

        Assert.Equal(
            [
                "--network names br7, but the network cards of the guest are connected to lan",
                "--network names absent, which is not a network of this host: it has default",
            ],
            findings.Refusals);
    }

    [Fact]
    public async Task Secrets_and_pools_are_defined_from_the_backup()
    {
        string xml = $"""
            <domain><devices>
            <disk type='volume' device='cdrom'><source pool='isos' volume='a'/><target dev='sda'/></disk>
            <disk type='file' device='disk'><source file='/absent/vda'><encryption format='luks'>
            <secret type='passphrase' uuid='{Secret}'/></encryption></source><target dev='vda'/></disk>
            </devices></domain>
            """;
        shell.On("pool-list", Reply.Good(""), Reply.Good("")).On("secret-list", Reply.Good(""));

        IReadOnlyList<string> refusals = (await ExamineAsync(xml, request)).Refusals;

        string archive = $"{folder.DirectoryPath}/web1.tar.gz";
        Assert.Equal(
            [
                "the storage pool isos does not exist on this host: define it from the backup: "
                    + $"`tar -xOf {archive} web1/pool-1.xml | virsh pool-define /dev/stdin`",
                $"the secret {Secret} does not exist on this host: define it from the backup: "
                    + $"`tar -xOf {archive} web1/secret-1.xml | virsh secret-define /dev/stdin` ; and set its value, "
                    + "which no backup contains: virsh secret-set-value",
            ],
            refusals);

        shell.On("pool-list --name --all", Reply.Good("isos\n")).On("pool-list", Reply.Good(""))
            .On("secret-list", Reply.Good($" {Secret}   volume   a\n"));
        Assert.Equal(
            "the storage pool isos is not active: start it: `virsh pool-start --pool isos`",
            Assert.Single((await ExamineAsync(xml, request)).Refusals));
    }

    [Fact]
    public async Task A_missing_emulator_is_named_and_its_machine_is_not_examined()
    {
        string xml = "<domain><os><type machine='q35'>hvm</type></os><devices><emulator>/absent/qemu</emulator>"
            + "</devices></domain>";

        Assert.Equal(
            "the emulator /absent/qemu does not exist on this host: install it, or use another one with --emulator "
                + "PATH",
            Assert.Single((await ExamineAsync(xml, request with { Start = false })).Refusals));
        Assert.Empty(shell.Calls);
    }

    [Fact]
    public async Task A_list_that_libvirt_does_not_return_is_reported()
    {
        shell.On("net-list", Reply.Bad("error: no network driver"));

        Assert.Contains(
            "Listing each network of this host failed: virsh reported: error: no network driver",
            Assert.Single((await ExamineAsync(OnNetwork, request with { Start = false })).Warnings),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_examined_when_no_domain_is_defined()
    {
        Assert.Equal(
            HostFindings.None,
            await ExamineAsync(Guest, request with { Define = false, Start = false }));
        Assert.Empty(shell.Calls);
    }

    [Fact]
    public void Options_for_another_host_require_a_definition() => Assert.Contains(
        "add --define or --start",
        Assert.Throws<PlanningException>(() => RestorePlanner.Plan(
            Backup().Manifest,
            request with { Define = false, Start = false, Host = new HostEdit { RemovesMedia = true } })).Message,
        StringComparison.Ordinal);

    private void HaveNothing() => shell.On("domcapabilities", Reply.Bad("error: no"))
        .On("net-list", Reply.Good(""), Reply.Good("")).On("nwfilter-list", Reply.Good(""));

    private Task<HostFindings> ExamineAsync(string xml, RestoreRequest wanted) =>
        new HostCheck(new HostDefinitions(new Virsh(shell, null)), new HostResources(folder.PathOf("sys")))
            .ExamineAsync(
                Backup(), RestorePlanner.Plan(Backup().Manifest, wanted), wanted, xml, CancellationToken.None);

    private CompletedBackup Backup() => new(
        folder.DirectoryPath,
        ManifestSamples.Create() with
        {
            Definitions =
            [
                new SavedDefinition(RequirementKind.Network, "lan", "network-1.xml"),
                new SavedDefinition(RequirementKind.Network, "other", "network-2.xml"),
                new SavedDefinition(RequirementKind.Nwfilter, "inner", "nwfilter-1.xml"),
                new SavedDefinition(RequirementKind.Nwfilter, "outer", "nwfilter-2.xml"),
                new SavedDefinition(RequirementKind.Pool, "isos", "pool-1.xml"),
                new SavedDefinition(RequirementKind.Secret, Secret, "secret-1.xml"),
            ],
        },
        IsProtected: false);
}
