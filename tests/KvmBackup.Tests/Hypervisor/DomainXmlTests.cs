using System.Xml.Linq;
using KvmBackup.Hypervisor;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Hypervisor;

public sealed class DomainXmlTests
{
    [Fact]
    public async Task All_facts_of_a_running_guest_are_read()
    {
        DomainFacts facts = await Web1.DescribeAsync();

        Assert.Equal((Web1.Identity, DomainState.Running, true), (facts.Identity, facts.State, facts.IsPersistent));
        Assert.Equal((true, false, null), (facts.HasAgentChannel, facts.HasTpm, facts.RunningJob));
        Assert.Empty(facts.Snapshots.Select(snapshot => snapshot.Name));
        Assert.Empty(facts.Checkpoints);
        Assert.Equal(
            [
                new DiskFacts(
                    Web1.Vda, "disk", DiskSourceType.File, $"{Web1.Images}/web1.qcow2", "qcow2", false, false, null),
                new DiskFacts(
                    Web1.Vdb, "disk", DiskSourceType.File, $"{Web1.Images}/web1-data.img", "raw", false, false, null),
                new DiskFacts(new DiskTarget("sda"), "cdrom", DiskSourceType.None, null, "raw", true, false, null),
            ],
            facts.Disks);
        Assert.Equal(
            [
                new AuxiliaryFile("kernel", "/var/lib/libvirt/boot/vmlinuz"),
                new AuxiliaryFile("initrd", "/var/lib/libvirt/boot/initrd"),
            ],
            facts.Files);
        Assert.Contains("passwd='secret'", facts.Definition.Inactive, StringComparison.Ordinal);
    }

    [Fact]
    public void A_network_disk_is_refused_by_its_protocol_and_a_disk_without_snapshots_is_reported()
    {
        IReadOnlyList<DiskFacts> disks = DomainXml.Disks(DomainXml.Parse(
            "<domain><devices><disk type='network'><source protocol='nbd' name='a'/><target dev='vda'/></disk>"
                + "<disk type='file' snapshot='no'><source file='/a'/><target dev='vdb'/></disk></devices></domain>"));

        Assert.StartsWith("is a network disk of the protocol nbd", disks[0].Refusal, StringComparison.Ordinal);
        Assert.StartsWith("has snapshot='no'", disks[1].Notice, StringComparison.Ordinal);
        Assert.Null(disks[1].Refusal);
    }

    [Fact]
    public async Task A_transient_guest_has_no_definition_to_repair()
    {
        RecordedShell shell = new RecordedShell().Now(Web1.Facts).On("--transient", Reply.Good($"{Web1.Uuid}\n"));

        DomainFacts facts =
            await new LibvirtHost(new Virsh(shell, null)).DescribeAsync(Web1.Identity, CancellationToken.None);

        Assert.False(facts.IsPersistent);
    }

    [Theory]
    [InlineData("running/domstate", DomainState.Running)]
    [InlineData("paused/domstate", DomainState.Paused)]
    [InlineData("shut-off/domstate", DomainState.ShutOff)]
    public async Task The_state_is_read_from_domstate(string recording, DomainState state) =>
        Assert.Equal(state, (await Web1.DescribeAsync(recording)).State);

    [Theory]
    [InlineData("running/domstate-reason", false)]
    [InlineData("paused/domstate-reason", false)]
    [InlineData("paused/domstate-reason-io-error", true)]
    public async Task A_pause_by_a_write_error_differs_from_a_manual_pause(string recording, bool isByWriteError)
    {
        LibvirtHost host = new(new Virsh(new RecordedShell().Now(recording), null));

        Assert.Equal(isByWriteError, await host.IsPausedByWriteErrorAsync(Web1.Identity, CancellationToken.None));
    }

    [Fact]
    public async Task The_job_of_a_shut_off_guest_is_not_queried()
    {
        // libvirt refuses that call then.
        RecordedShell shell = new RecordedShell().Now(
            [.. Web1.Facts, "shut-off/domstate", "shut-off/domjobinfo", "shut-off/dumpxml-security"]);

        DomainFacts facts =
            await new LibvirtHost(new Virsh(shell, null)).DescribeAsync(Web1.Identity, CancellationToken.None);

        Assert.False(facts.IsActive);
        Assert.Equal(0, shell.Count("domjobinfo"));
    }

    [Fact]
    public async Task Foreign_snapshots_and_checkpoints_are_named()
    {
        DomainFacts facts = await Web1.DescribeAsync(
            "foreign/snapshot-list", "foreign/snapshot-current", "foreign/snapshot-dumpxml", "foreign/checkpoint-list");

        Assert.Equal("other-snapshot", Assert.Single(facts.Snapshots).Name);
        Assert.Equal(["other-checkpoint"], facts.Checkpoints);
    }

    [Theory]
    [InlineData("pinned", null, false)]
    [InlineData("committing", "active-commit", false)]
    [InlineData("ready", "active-commit", true)]
    [InlineData("foreign-job", "copy", true)]
    [InlineData("released", null, false)]
    public void A_block_job_is_read_from_the_XML(string state, string? job, bool isReady)
    {
        XElement domain = DomainXml.Parse(Recording.Read($"{state}/dumpxml").Output);

        DiskState disk = DomainXml.DiskStates(domain)[Web1.Vda];

        Assert.Equal((job, isReady), (disk.BlockJob, disk.IsReady));
        Assert.Equal(job, DomainXml.Disks(domain)[0].BlockJob);
        Assert.False(DomainXml.DiskStates(domain).ContainsKey(new DiskTarget("vdz")));
    }

    [Theory]
    [InlineData("<disk type='file' device='cdrom'><target dev='sda'/><readonly/></disk>", "cdrom None - raw readonly")]
    [InlineData("<disk type='file' device='cdrom'><source file='/a.iso'/><target dev='sda'/><readonly/></disk>",
        "cdrom File /a.iso raw readonly")]
    [InlineData("<disk type='file' device='cdrom'><source/><target dev='sda'/></disk>", "cdrom None - raw")]
    [InlineData(
        "<disk type='file' device='floppy'><source file='/f'/><target dev='fda'/></disk>", "floppy File /f raw")]
    [InlineData(
        "<disk type='file'><source file='/a'/><target dev='vda'/><shareable/></disk>", "disk File /a raw shareable")]
    [InlineData(
        "<disk type='block' device='disk'><driver type='raw'/><source dev='/dev/vg/a'/><target "
        + "dev='vda'/></disk>", "disk Block /dev/vg/a raw")]
    [InlineData(
        "<disk type='block' device='lun'><source dev='/dev/sdb'/><target dev='sda'/></disk>", "lun Block /dev/sdb raw")]
    [InlineData(
        "<disk type='network'><driver type='raw'/><source protocol='rbd' name='p/i'/><target "
        + "dev='vda'/></disk>", "disk Network - raw")]
    [InlineData("<disk type='volume'><driver type='qcow2'/><source pool='p' volume='v'/><target dev='vda'/></disk>",
        "disk Volume - qcow2")]
    [InlineData("<disk type='nvme'><source type='pci' namespace='1'/><target dev='vda'/></disk>", "disk Nvme - raw")]
    [InlineData("<disk type='file'><driver type='qcow2'/><source file='/a &amp; b'/><target dev='vda'/></disk>",
        "disk File /a & b qcow2")]
    public void All_properties_of_a_disk_are_read(string xml, string description)
    {
        DiskFacts disk = Assert.Single(DomainXml.Disks(Devices(xml)));

        Assert.Equal(description, string.Join(' ', new[]
        {
            disk.Device, $"{disk.SourceType}", disk.SourcePath ?? "-", disk.Format,
            disk.IsReadOnly ? "readonly" : null, disk.IsShareable ? "shareable" : null,
        }.OfType<string>()));
    }

    [Theory]
    [InlineData("<nvram template='/t'>/nvram/web1.fd</nvram>", "nvram.fd=/nvram/web1.fd")]
    [InlineData("<nvram template='/t'>\n  /nvram/web1.fd\n</nvram>", "nvram.fd=/nvram/web1.fd")]
    [InlineData("<nvram type='file'><source file='/nvram/web1.qcow2'/></nvram>", "nvram.fd=/nvram/web1.qcow2")]
    [InlineData("<nvram/>", "")]
    [InlineData("<kernel>/k</kernel><initrd>/i</initrd><nvram>/n</nvram>", "kernel=/k initrd=/i nvram.fd=/n")]
    public void The_files_beside_the_disks_are_found(string os, string expected) => Assert.Equal(
        expected,
        string.Join(' ', DomainXml.Files(DomainXml.Parse($"<domain><os>{os}</os></domain>"))
            .Select(file => $"{file.MemberName}={file.SourcePath}")));

    [Theory]
    [InlineData("<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>", true)]
    [InlineData("<tpm model='tpm-tis'><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>", false)]
    [InlineData("", false)]
    public void Only_an_emulated_TPM_has_its_state_on_the_host(string xml, bool hasTpm) =>
        Assert.Equal(hasTpm, DomainXml.HasTpm(Devices(xml)));

    [Theory]
    [InlineData("not xml")]
    [InlineData("<domainsnapshot/>")]
    [InlineData("")]
    public void XML_that_is_not_a_domain_is_refused(string xml) =>
        Assert.Throws<HypervisorException>(() => DomainXml.Parse(xml));

    [Fact]
    public async Task Every_domain_is_listed_whatever_its_name()
    {
        RecordedShell shell = new RecordedShell().On(
            "list",
            Reply.Good(
                $"{Web1.Uuid} web1\n{Guid.Empty} my vm  ü\n11111111-2222-3333-4444-555555555555 {Guid.Empty}\n\n"));

        IReadOnlyList<DomainIdentity> domains =
            await new LibvirtHost(new Virsh(shell, null)).ListAsync(CancellationToken.None);

        Assert.Equal(["web1", "my vm  ü", $"{Guid.Empty}"], domains.Select(domain => domain.Name.Value));
    }

    [Fact]
    public async Task A_name_is_read_exactly_with_tabs_control_characters_and_outer_blanks()
    {
        string[] names = ["web1", "web1 ", "\ttab", "d\u007fel", "c\u0085one", "cr\rx", "  ", " lead"];
        string[] lines = [.. names.Select((name, index) => $"{Numbered(index)} {name}\n")];
        RecordedShell shell = new RecordedShell().On("list", Reply.Good(string.Concat(lines)));
        foreach ((string name, int index) in names.Select((name, index) => (name, index))
            .Where(one => one.name.Trim() != one.name))
        {
            shell.On($"domname --domain {Numbered(index)}", Reply.Good($"{name}\n"));
        }

        IReadOnlyList<DomainIdentity> domains =
            await new LibvirtHost(new Virsh(shell, null)).ListAsync(CancellationToken.None);

        Assert.Equal(names, domains.Select(domain => domain.Name.Value));
        Assert.Equal(4, shell.Count("domname"));
    }

    [Fact]
    public async Task Each_name_is_queried_when_virsh_pads_its_columns()
    {
        RecordedShell shell = new RecordedShell().On("list", Reply.Good(
            $"{Numbered(0)} web1                          "
            + $"\n{Numbered(1)} gone   \n"))
            .On($"domname --domain {Numbered(0)}", Reply.Good("web1\n")).On(
                "domname", Reply.Bad("error: failed to get domain"));

        IReadOnlyList<DomainIdentity> domains =
            await new LibvirtHost(new Virsh(shell, null)).ListAsync(CancellationToken.None);

        Assert.Equal(["web1", "gone   "], domains.Select(domain => domain.Name.Value));
    }

    private static Guid Numbered(int index) => new(index + 1, 0, 0, new byte[8]);

    [Fact]
    public async Task An_unreachable_libvirt_is_reported_with_its_error_text()
    {
        RecordedShell shell = new RecordedShell().On("list", Reply.Of("host/unreachable"));

        HypervisorException failure = await Assert.ThrowsAsync<HypervisorException>(
            () => new LibvirtHost(new Virsh(shell, "qemu+unix:///x")).ListAsync(CancellationToken.None));

        Assert.StartsWith(
            "Listing the domains failed: virsh reported: error: failed to connect to the hypervisor / error: Failed "
                + "to connect socket to '/var/run/no-such-socket': No such file or directory. Is libvirt running?",
            failure.Message, StringComparison.Ordinal);
        Assert.Equal(["--connect", "qemu+unix:///x"], shell.Calls[0].Arguments.Take(2));
    }

    private static XElement Devices(string xml) => DomainXml.Parse($"<domain><devices>{xml}</devices></domain>");
}
