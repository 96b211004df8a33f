using System.Text.RegularExpressions;
using KvmBackup.Planning;
using KvmBackup.Shell;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Planning;

public sealed partial class RestoreGuideTests
{
    // Print the arguments of each command instead of running it.
    private const string Stubs = """
        virsh() { printf '<virsh'; printf '|%s' "$@"; printf '>\n'; }
        for program in tar cp mkdir qemu-img sha256sum; do
          eval "$program() { printf '<%s' $program; printf '|%s' \"\$@\"; printf '>\\n'; }"
        done
        test() { printf '<test'; printf '|%s' "$@"; printf '>\n'; [ "$1" = -b ] || [ "$1" = '!' ]; }
        """;

    public static TheoryData<string> HostileArguments =>
    [
        "plain", "two words", "it's", "a\"b", "$(touch pwned)", "`touch pwned`", "a;touch pwned", "a\\",
        "a'; touch pwned; '",
        "*", "-rf", "ünï", "a|b", "a&b", "#a", "!a", "~", "a:b", "```", "``` touch pwned", "%s%n",
    ];

    [Theory]
    [MemberData(nameof(HostileArguments))]
    public async Task A_domain_of_any_name_gets_the_same_commands(string name)
    {
        DomainName domain = new(name);
        string archive = $"{domain.FileName}.tar.gz";

        IReadOnlyList<string> commands = await RunAsync(Guide(domain, "/images/a.qcow2", archive));

        Assert.Equal(
            [
                "<sha256sum|-c|SHA256SUMS>",
                $"<tar|-xf|{archive}>",
                "<mkdir|-p|/images>",
                "<test|!|-e|/images/a.qcow2>",
                $"<cp|--sparse=always|{domain.FileName}/vda.qcow2|/images/a.qcow2>",
                "<test|-b|/dev/b>",
                $"<qemu-img|convert|-n|-f|raw|-O|raw|{domain.FileName}/vdb.raw|/dev/b>",
                $"<virsh|define|{domain.FileName}/domain.xml>",
                $"<virsh|start|--domain|{name}>",
            ],
            commands);
        Assert.False(domain.FileName.StartsWith('-') || domain.FileName.Contains(':', StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(HostileArguments))]
    [InlineData("a\n```\ntouch pwned\n```sh\ntouch pwned")]
    [InlineData("a'\ntouch pwned\n'")]
    [InlineData("a\r\u001b[2Jb")]
    public async Task A_disk_of_any_name_is_restored_to_its_own_path(string name)
    {
        string path = $"/images/{name}/{name}";

        IReadOnlyList<string> commands = await RunAsync(Guide(new DomainName("web1"), path, "web1.tar.gz"));

        string text = string.Join('\n', commands);
        Assert.Contains($"<mkdir|-p|/images/{name}>", text, StringComparison.Ordinal);
        Assert.Contains($"<cp|--sparse=always|web1/vda.qcow2|{path}>", text, StringComparison.Ordinal);
        Assert.EndsWith("<virsh|start|--domain|web1>", text, StringComparison.Ordinal);
        Assert.Equal(9, text.Split(">\n<").Length);
    }

    [Theory]
    [InlineData("web1", "`web1`")]
    [InlineData("a*b*<i>", "`a*b*<i>`")]
    [InlineData("a`b``c", "``` a`b``c ```")]
    [InlineData(" a ", "`  a  `")]
    [InlineData("a\tb\u001b[2J\u0085", "`a\\u0009b\\u001b[2J\\u0085`")]
    public void A_name_is_a_span_of_code_in_the_heading_and_in_the_text(string name, string shown)
    {
        string guide = Guide(new DomainName(name), "/images/a.qcow2", "a.tar.gz");

        Assert.StartsWith(
            $"# Restore the domain {shown}\n\nA backup of the libvirt domain {shown} (UUID", guide,
            StringComparison.Ordinal);
    }

    [Fact]
    public void An_overwritten_block_device_is_announced() => Assert.Contains(
        "Disk `vdb`. The command overwrites the block device:",
        Guide(new DomainName("web1"), "/images/a.qcow2", "web1.tar.gz"), StringComparison.Ordinal);

    [Fact]
    public void The_pool_of_a_volume_is_refreshed_before_the_domain_is_defined()
    {
        DiskFacts disk = new(Web1.Vda, "disk", DiskSourceType.File, "/i/a.qcow2", "qcow2", false, false, null)
        {
            Volume = new PoolVolume("my pool", "a.qcow2"),
        };

        string guide = RestoreGuide.Write(
            Facts("web1"), Web1.Id, "cloud1", "web1.tar.zst",
            [new BackupDisk(disk, [new("/i/a.qcow2", "qcow2", 1, false)])]);

        Assert.Contains(
            "virsh pool-refresh --pool 'my pool'\nvirsh define web1/domain.xml", guide, StringComparison.Ordinal);
    }

    [Fact]
    public void Backing_files_come_first_and_existing_ones_are_kept()
    {
        DiskFacts disk = new(Web1.Vda, "disk", DiskSourceType.File, "/i/a.qcow2", "qcow2", false, false, null);
        BackupDisk taken = new(disk, [new("/i/a.qcow2", "qcow2", 1, false), new("/t/b.img", "raw", 1, false)]);

        string guide = RestoreGuide.Write(
            Facts("web1") with { Files = [new("nvram.fd", "/n/web1.fd")] }, Web1.Id, "cloud1", "web1.tar.zst", [taken]);

        int backing = guide.IndexOf(
            "test -e /t/b.img || cp --sparse=always web1/vda.backing1.raw /t/b.img", StringComparison.Ordinal);
        int top = guide.IndexOf(
            "test ! -e /i/a.qcow2 && cp --sparse=always web1/vda.qcow2 /i/a.qcow2", StringComparison.Ordinal);
        Assert.InRange(backing, 1, top);
        Assert.Contains(
            "test -e /n/web1.fd || cp --sparse=always web1/nvram.fd /n/web1.fd", guide, StringComparison.Ordinal);
        Assert.Contains("You need: tar, zstd, qemu-img, virsh.", guide, StringComparison.Ordinal);
    }

    [Fact]
    public void An_increment_refers_to_the_disk_of_its_base()
    {
        RbdImage image = RbdImage.Parse("rbd/it's");
        RbdSource source = new(image, [], "u", Web1.Uuid);
        RbdImageFacts facts = new("1a", 1 << 20, 1 << 22, true, true, null, null);
        ChainBase dependency = new(BackupKind.Incremental, Web1.Id, "kvmbackup-1");
        DiskFacts disk = new(
            Web1.Vdb, "disk", DiskSourceType.Network, null, "raw", false, false, null)
        { Rbd = source };
        BackupDisk taken = new(disk, [])
        {
            Image = new BackupImage(
            source, new(image, RbdAccess.Default), facts, "kvmbackup-2", dependency)
        };

        string guide = RestoreGuide.Write(Facts("web1"), Web1.Id, "cloud1", "web1.tar.gz", [taken]);

        Assert.Contains("You need: tar, gzip, qemu-img, virsh, rbd with a Ceph user that may create images.", guide,
            StringComparison.Ordinal);
        Assert.Contains($"only the changes since the backup {Web1.Id}. First", guide, StringComparison.Ordinal);
        Assert.Contains("and run only the\ncommands for disk `vdb` of its RESTORE.md", guide, StringComparison.Ordinal);
        Assert.Contains("\nrbd import-diff web1/vdb.rbddiff 'rbd/it'\\''s'\n", guide, StringComparison.Ordinal);
        Assert.Contains($"libvirt's secret {Web1.Uuid}", guide, StringComparison.Ordinal);
    }

    [Fact]
    public void The_secret_of_an_encrypted_disk_is_named()
    {
        DiskFacts disk = new(Web1.Vda, "disk", DiskSourceType.File, "/i/a.qcow2", "qcow2", false, false, null);
        BackupDisk byUuid = new(
            disk with { Encryption = new DiskEncryption(DiskEncryption.Luks, Web1.Uuid, null) },
            [new ImageLayer("/i/a.qcow2", "qcow2", 1 << 20, IsBlockDevice: false)]);
        BackupDisk byUsage = new(
            disk with { Target = Web1.Vdb, Encryption = new DiskEncryption(DiskEncryption.Luks, null, "/i/b") },
            [new ImageLayer("/i/b.qcow2", "qcow2", 1 << 20, IsBlockDevice: false)]);

        string guide = RestoreGuide.Write(Facts("web1"), Web1.Id, "cloud1", "a.tar.gz", [byUuid, byUsage]);

        Assert.Contains(
            $"Disk `vda` is encrypted. It requires libvirt's secret {Web1.Uuid}:", guide, StringComparison.Ordinal);
        Assert.Contains(
            "Disk `vdb` is encrypted. It requires libvirt's secret with the usage volume /i/b:", guide,
            StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(HostileArguments))]
    public async Task Objects_to_which_the_domain_refers_are_created_unless_they_exist(string name)
    {
        string guide = RestoreGuide.Write(
            Facts("web1"), Web1.Id, "cloud1", "a.tar.gz", [],
            new HostDependencies(
                [
                    new SavedDefinition(RequirementKind.Network, name, "network-1.xml"),
                    new SavedDefinition(RequirementKind.Nwfilter, name, "nwfilter-1.xml"),
                    new SavedDefinition(RequirementKind.Secret, "1-2", "secret-1.xml"),
                ],
                [new HostResource(RequirementKind.Bridge, name)]));

        // The stub of virsh succeeds, as if everything existed, and its output is not the list of the names.
        Assert.Equal(
            [
                $"<virsh|net-uuid|--network|{name}>", $"<virsh|net-start|--network|{name}>",
                "<virsh|define|web1/domain.xml>", "<virsh|start|--domain|web1>",
            ],
            (await RunAsync(guide)).TakeLast(4));
        Assert.Contains("virsh net-define web1/network-1.xml", guide, StringComparison.Ordinal);
        Assert.Contains("virsh nwfilter-define web1/nwfilter-1.xml", guide, StringComparison.Ordinal);
        Assert.Contains("`virsh secret-set-value --secret 1-2 --file FILE`", guide, StringComparison.Ordinal);
        Assert.Contains("\n- bridge `", guide, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Autostart_is_restored()
    {
        string guide = RestoreGuide.Write(
            Facts("it's") with { IsAutostarted = true }, Web1.Id, "cloud1", "a.tar.gz", []);

        Assert.Equal(
            ["<virsh|define|it's/domain.xml>", "<virsh|autostart|--domain|it's>", "<virsh|start|--domain|it's>"],
            (await RunAsync(guide)).TakeLast(3));
    }

    [Fact]
    public async Task Records_of_snapshots_are_restored_in_their_order()
    {
        string guide = RestoreGuide.Write(
            Facts("it's") with { Snapshots = [new("one", false, [], "<x/>"), new("two", true, [], "<x/>")] },
            Web1.Id, "cloud1", "a.tar.gz", []);

        Assert.Equal(
            [
                "<virsh|snapshot-create|--domain|it's|--xmlfile|it's/snapshot-1.xml|--redefine>",
                "<virsh|snapshot-create|--domain|it's|--xmlfile|it's/snapshot-2.xml|--redefine|--current>",
                "<virsh|start|--domain|it's>",
            ],
            (await RunAsync(guide)).TakeLast(3));
    }

    private static DomainFacts Facts(string name) => new(
        new DomainName(name), Web1.Uuid, DomainState.Running, true, true, false, [], [], [], null, [],
        new DomainDefinition(string.Empty, string.Empty, string.Empty));

    private static string Guide(DomainName name, string diskPath, string archiveName)
    {
        DiskFacts disk = new(Web1.Vda, "disk", DiskSourceType.File, diskPath, "qcow2", false, false, null);
        return RestoreGuide.Write(
            Facts(name.Value), Web1.Id, "cloud1", archiveName,
            [
                new BackupDisk(disk, [new ImageLayer(diskPath, "qcow2", 1, false)]),
                new BackupDisk(disk with { Target = Web1.Vdb }, [new ImageLayer("/dev/b", "raw", 1, true)]),
            ]);
    }

    /// <summary>Runs the code blocks of a guide with every program replaced.</summary>
    private static async Task<IReadOnlyList<string>> RunAsync(string guide)
    {
        string script = string.Concat(Block().Matches(guide).Select(match => match.Groups[1].Value));
        using TemporaryFolder folder = new();
        string path = folder.PathOf("script");
        File.WriteAllText(path, $"{Stubs}\ncd '{folder.DirectoryPath}'\n{script}");
        ProgramResult result = await new ProcessRunner(Logger.None, TimeProvider.System).RunAsync(
            new ProgramCall("bash", [path]), CancellationToken.None);

        Assert.Equal((0, string.Empty), (result.ExitCode, result.StandardError));
        Assert.Equal([path], Directory.GetFileSystemEntries(folder.DirectoryPath));
        return result.StandardOutput.TrimEnd('\n').Split('\n');
    }

    // CommonMark: a block ends at the first line of three backticks.
    [GeneratedRegex(@"^```sh\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();
}
