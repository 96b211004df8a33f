using KvmBackup.Hypervisor;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Hypervisor;

/// <summary>The definitions of networks, filters, pools and secrets, with replies as of libvirt 9.0.</summary>
public sealed class HostDefinitionsTests
{
    private const string Secret = "5b4f6f0e-6a2f-4a53-9f0e-000000000001";

    private const string Guest = """
        <domain><devices>
        <interface type='network'><source network='lan'/><filterref filter='outer'/></interface>
        <disk type='volume' device='cdrom'><source pool='isos' volume='a'/><target dev='sda'/></disk>
        <disk type='file' device='disk'><source file='/a'><encryption format='luks'>
        <secret type='passphrase' usage='/a b/c'/></encryption></source><target dev='vda'/></disk>
        </devices></domain>
        """;

    private const string Secrets =
        $" {Secret}   volume /a b/c\n 5b4f6f0e-6a2f-4a53-9f0e-000000000002   Unused\n";
    private readonly RecordedShell shell = new();
    private readonly List<string> warnings = [];

    private HostDefinitions Definitions => new(new Virsh(shell, null));

    [Fact]
    public async Task All_definitions_are_read_and_a_filter_follows_those_that_it_includes()
    {
        shell.On("net-dumpxml", Reply.Good("<network/>")).On("pool-dumpxml", Reply.Good("<pool/>"))
            .On("--nwfilter outer", Reply.Good("<filter name='outer'><filterref filter='inner'/></filter>"))
            .On("--nwfilter inner", Reply.Good("<filter name='inner'><filterref filter='outer'/></filter>"))
            .On("secret-list", Reply.Good(Secrets)).On("secret-dumpxml", Reply.Good("<secret/>"));

        IReadOnlyList<ReferredDefinition> found = await Definitions.ReadAsync(Guest, warnings, CancellationToken.None);

        Assert.Equal(
            ["Network lan", "Nwfilter inner", "Nwfilter outer", "Pool isos", $"Secret {Secret}"],
            found.Select(one => $"{one.Kind} {one.Name}"));
        Assert.Equal("<network/>", found[0].Xml);
        Assert.Empty(warnings);
        Assert.Equal(1, shell.Count($"virsh secret-dumpxml --secret {Secret}"));
        Assert.Equal(0, shell.Count("secret-get-value"));
    }

    [Fact]
    public async Task An_unreadable_definition_is_a_warning_and_the_others_are_read()
    {
        shell.On("net-dumpxml", Reply.Bad("error: Network not found: no network with matching name 'lan'"))
            .On("nwfilter-dumpxml", Reply.Good("no XML")).On("pool-dumpxml", Reply.Good("<pool/>"))
            .On("secret-list", Reply.Good(""));

        IReadOnlyList<ReferredDefinition> found = await Definitions.ReadAsync(Guest, warnings, CancellationToken.None);

        Assert.Equal("Pool isos", string.Join(", ", found.Select(one => $"{one.Kind} {one.Name}")));
        Assert.Equal(3, warnings.Count);
        Assert.StartsWith(
            "the definition of the network lan, to which the domain refers, is not in this backup: reading its "
                + "definition failed: virsh reported: error: Network not found", warnings[0], StringComparison.Ordinal);
        Assert.Contains("network filter outer", warnings[1], StringComparison.Ordinal);
        Assert.Contains("the secret /a b/c", warnings[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guest_without_references_costs_no_call()
    {
        Assert.Empty(await Definitions.ReadAsync("<domain/>", warnings, CancellationToken.None));
        Assert.Empty(shell.Calls);
    }

    [Fact]
    public async Task Names_are_listed_with_blanks_and_secrets_by_UUID_and_usage()
    {
        shell.On("net-list --name --all", Reply.Good("default\nlab net\n\n")).On("net-list", Reply.Good("default\n\n"))
            .On("nwfilter-list", Reply.Good($" {Secret}   outer\n {Secret}   in ner\n"))
            .On("secret-list", Reply.Good(Secrets));

        Assert.Equal(["default", "lab net"], await ListAsync(RequirementKind.Network));
        Assert.Equal(
            ["default"], await Definitions.ListAsync(RequirementKind.Network, true, CancellationToken.None));
        Assert.Equal(["outer", "in ner"], await ListAsync(RequirementKind.Nwfilter));
        Assert.Equal(
            [Secret, "/a b/c", "5b4f6f0e-6a2f-4a53-9f0e-000000000002", ""],
            await ListAsync(RequirementKind.Secret));
    }

    [Fact]
    public async Task A_network_is_defined_started_and_starts_with_the_host()
    {
        shell.On("net-", Reply.Good(""), Reply.Good(""), Reply.Good(""));

        await Definitions.CreateAsync(
            new ReferredDefinition(RequirementKind.Network, "lan", "<network><name>lan</name></network>"),
            CancellationToken.None);

        Assert.Equal(
            ["net-define", "net-start --network lan", "net-autostart --network lan"],
            shell.Order("net-define", "net-start --network lan", "net-autostart --network lan"));
    }

    [Fact]
    public async Task A_network_that_does_not_start_is_undefined_again()
    {
        shell.On("net-define", Reply.Good("")).On("net-start", Reply.Bad("error: Network is already in use"))
            .On("net-undefine --network lan", Reply.Good(""));

        HypervisorException failure = await Assert.ThrowsAsync<HypervisorException>(() => Definitions.CreateAsync(
            new ReferredDefinition(RequirementKind.Network, "lan", "<network><name>lan</name></network>"),
            CancellationToken.None));

        Assert.Contains("network lan: net-start failed: virsh reported: error: Network is already in use",
            failure.Message, StringComparison.Ordinal);
        Assert.Equal(1, shell.Count("net-undefine --network lan"));
    }

    [Theory]
    [InlineData(RequirementKind.Network, "<network><name>default</name></network>")]
    [InlineData(RequirementKind.Network, "<domain><name>lan</name></domain>")]
    [InlineData(RequirementKind.Nwfilter, "<filter name='clean-traffic'/>")]
    [InlineData(RequirementKind.Nwfilter, "no XML")]
    public async Task A_forged_definition_of_another_object_is_not_defined(RequirementKind kind, string xml)
    {
        HypervisorException failure = await Assert.ThrowsAsync<HypervisorException>(
            () => Definitions.CreateAsync(new ReferredDefinition(kind, "lan", xml), CancellationToken.None));

        Assert.Equal(ExitCode.DamageFound, failure.ExitCode);
        Assert.Empty(shell.Calls);
    }

    private Task<IReadOnlyList<string>> ListAsync(RequirementKind kind) =>
        Definitions.ListAsync(kind, isActive: false, CancellationToken.None);
}
