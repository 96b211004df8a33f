using System.Buffers.Binary;
using System.Text;
using KvmBackup.Disks;
using KvmBackup.Storage;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs.Restore;

/// <summary>A forged backup: files are written only to the paths of the archived definition.</summary>
public sealed class ForgedBackupTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly BackupDirectory target;

    public ForgedBackupTests()
    {
        target = new BackupDirectory(folder.PathOf("backups"), TimeProvider.System);
        target.EnsureUsable();
    }

    private string Images => folder.PathOf("images");

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("cron.d/job"), InlineData("images/../cron.d/job"), InlineData("images/../images/vda.raw")]
    [InlineData("images/./vda.raw"), InlineData(null)]
    public async Task A_disk_is_not_written_to_a_path_outside_the_definition(string? place)
    {
        string path = place is null ? "relative" : Path.Combine(folder.DirectoryPath, place);
        await PublishAsync(manifest => manifest with
        {
            Disks = [manifest.Disks[0] with { Layers = [manifest.Disks[0].Layers[0] with { SourcePath = path }] },
                manifest.Disks[1]],
        });

        KvmBackupException failure = await Assert.ThrowsAnyAsync<KvmBackupException>(() => RestoreAsync(null));

        Assert.Equal(ExitCode.DamageFound, failure.ExitCode);
        Assert.Contains($"places vda.raw at '{path}'", failure.Message, StringComparison.Ordinal);
        Assert.Contains("--to DIR", failure.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.PathOf("cron.d")));
        Assert.False(Directory.Exists(Images));
    }

    [Theory]
    [InlineData("../base.raw", "images/../base.raw", null)]
    [InlineData("../base.raw", "base.raw", null)]
    [InlineData("../base.raw", "images/../cron.d/job", "which is not an absolute path without '..'")]
    [InlineData("../base.raw", "cron.d/job", "which the definition in the archive does not name")]
    [InlineData("", "images/../base.raw", "which is not an absolute path without '..'")]
    public async Task A_backing_file_goes_where_the_image_names_it_even_by_a_relative_path_and_nowhere_else(
        string named, string place, string? refusal)
    {
        File.WriteAllBytes(folder.PathOf("top"), Qcow2(named));
        using FileExtentSource top = FileExtentSource.Open(folder.PathOf("top"));
        string path = Path.Combine(folder.DirectoryPath, place);
        await PublishAsync(
            made => made with
            {
                Disks =
                [
                    made.Disks[0] with
                    {
                        Layers =
                        [
                            made.Disks[0].Layers[0] with { Format = "qcow2" },
                            made.Disks[1].Layers[0] with { SourcePath = path },
                        ],
                    },
                ],
            },
            vda: top);

        if (refusal is null)
        {
            RestoreReport report = await RestoreAsync(null, define: true);
            Assert.Contains($"write {Path.GetFullPath(path)} from vdb.raw", report.Commands);
            return;
        }

        KvmBackupException failure =
            await Assert.ThrowsAnyAsync<KvmBackupException>(() => RestoreAsync(null, define: true));
        Assert.Contains($"places vdb.raw at '{path}', {refusal}", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("images", "vdc.raw", "vdc.raw", null)]
    [InlineData("cron.d", "vdc.raw", "vdc.raw", "and the manifest places it elsewhere")]
    [InlineData("images", "../cron.d/job", "../cron.d/job", "which is no name of a volume")]
    [InlineData("images", "vdc.raw", "../cron.d/job", "and the manifest places it elsewhere")]
    [InlineData(null, "vdc.raw", "vdc.raw", "which cannot be found: virsh reported: error: no such pool")]
    public async Task A_volume_is_restored_only_to_where_its_pool_on_this_host_has_it(
        string? pool, string volume, string place, string? refusal)
    {
        await PublishAsync(
            made => made with
            {
                Disks =
                [
                    made.Disks[0] with
                    {
                        Target = new DiskTarget("vdc"),
                        Layers = [made.Disks[0].Layers[0] with { SourcePath = $"{Images}/{place}" }],
                    },
                ],
            },
            devices: $"<disk device='disk' type='volume'><source pool='p1' volume='{volume}'/><target dev='vdc'/>"
                + "</disk>");
        Reply reply = pool is null ? Reply.Bad("error: no such pool") : Reply.Good(
            $"<pool type='dir'><target><path>{folder.PathOf(pool)}</path></target></pool>");

        if (refusal is null)
        {
            IReadOnlyList<string> commands = (await RestoreAsync(null, define: true, reply)).Commands;
            Assert.Contains($"write {Images}/vdc.raw from vda.raw", commands);
            Assert.Contains("virsh pool-refresh --pool p1", commands);
            return;
        }

        KvmBackupException failure =
            await Assert.ThrowsAnyAsync<KvmBackupException>(() => RestoreAsync(null, define: false, reply));
        Assert.Contains(refusal, failure.Message, StringComparison.Ordinal);
        Assert.Contains("--to DIR", failure.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.PathOf("cron.d")));
        Assert.False(Directory.Exists(Images));
    }

    [Theory]
    [InlineData("", true)]
    [InlineData(""", {"filename": "/etc/shadow", "format": "raw", "virtual-size": 1}""", false)]
    public async Task An_unpacked_image_that_names_a_file_of_the_host_is_not_read(string below, bool isRead)
    {
        await PublishAsync(made => made with
        {
            Disks = [made.Disks[0] with { Layers = [made.Disks[0].Layers[0] with { Format = "vmdk" }] }],
        });
        File.WriteAllText(folder.PathOf("top"), string.Empty);
        RecordedShell shell = new RecordedShell(folder.DirectoryPath)
            .On("qemu-img info", Reply.Good(
                $"[{{\"filename\": \"{folder.PathOf("top")}\", \"format\": \"vmdk\", \"virtual-size\": 1}}{below}]"))
            .On("qemu-img convert", Reply.Good(string.Empty));

        Task<RestoreReport> assembling = RestoreSamples.Assemble(target, shell, folder.DirectoryPath).RunAsync(
            new AssembleRequest(
                RealBackups.Web1, null, new DiskTarget("vda"), folder.PathOf("a.raw"), AssembleRequest.Raw),
            null, CancellationToken.None);

        if (isRead)
        {
            _ = await assembling;
        }
        else
        {
            Assert.Contains(
                "names a file that is not in the backup",
                (await Assert.ThrowsAnyAsync<KvmBackupException>(() => assembling)).Message, StringComparison.Ordinal);
        }

        Assert.Equal(isRead ? 1 : 0, shell.Count("qemu-img convert"));
    }

    [Fact]
    public async Task A_link_is_replaced_and_never_followed()
    {
        await PublishAsync(manifest => manifest);
        Directory.CreateDirectory(Images);
        File.WriteAllText(folder.PathOf("precious"), "kept");
        File.CreateSymbolicLink(Path.Combine(Images, "vda.raw"), folder.PathOf("precious"));

        KvmBackupException failure = await Assert.ThrowsAnyAsync<KvmBackupException>(() => RestoreAsync(null));
        Assert.Contains("vda.raw exists", failure.Message, StringComparison.Ordinal);

        RestoreReport report = await RestoreAsync(null, replace: RealBackups.Web1);

        Assert.Contains(report.Warnings, warning => warning.StartsWith(
            $"{Images}/vda.raw is a link to {folder.PathOf("precious")}: the restored", StringComparison.Ordinal));
        Assert.Null(new FileInfo(Path.Combine(Images, "vda.raw")).LinkTarget);
        Assert.Equal("kept", File.ReadAllText(folder.PathOf("precious")));
    }

    [Fact]
    public async Task A_file_that_the_definition_does_not_name_is_not_written()
    {
        await PublishAsync(manifest => manifest with
        {
            Files = [new AuxiliaryFile("vdb.raw", folder.PathOf("cron.d/job"))],
        });

        KvmBackupException failure = await Assert.ThrowsAnyAsync<KvmBackupException>(() => RestoreAsync(null));

        Assert.Contains("which the definition in the archive does not name", failure.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.PathOf("cron.d")));
    }

    [Fact]
    public async Task Any_backup_can_be_restored_into_a_given_folder()
    {
        await PublishAsync(manifest => manifest with
        {
            Disks = [.. manifest.Disks
                .Select(disk => disk with { Layers = [disk.Layers[0] with { SourcePath = "/etc/cron.d/job" }] })],
        });

        RestoreReport report = await RestoreAsync(folder.PathOf("to"));

        Assert.Equal(
            [folder.PathOf("to", "web1-vda.raw"), folder.PathOf("to", "web1-vdb.raw")], report.WrittenFiles.Order());
    }

    [Fact]
    public async Task Arguments_for_QEMU_and_disks_outside_the_backup_are_reported()
    {
        await PublishAsync(
            manifest => manifest,
            "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:arg "
                + "value='-drive'/></qemu:commandline>",
            "<disk device='disk' type='block'><source dev='/dev/sda'/><target dev='vdc'/></disk>");

        RestoreReport report = await RestoreAsync(folder.PathOf("to"), define: true);

        Assert.Contains(report.Warnings, warning => warning.Contains("qemu:commandline", StringComparison.Ordinal));
        Assert.Contains(report.Warnings, warning =>
            warning.StartsWith("disk vdc (/dev/sda) is in the definition but not", StringComparison.Ordinal));
        Assert.DoesNotContain(report.Warnings, warning => warning.StartsWith("disk vda", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_too_deeply_nested_definition_is_refused()
    {
        await PublishAsync(manifest => manifest, string.Concat(Enumerable.Repeat("<a>", 200_000))
            + string.Concat(Enumerable.Repeat("</a>", 200_000)));

        KvmBackupException failure = await Assert.ThrowsAnyAsync<KvmBackupException>(() => RestoreAsync(null));

        Assert.Contains("deeper than", failure.Message, StringComparison.Ordinal);
    }

    private Task<CompletedBackup> PublishAsync(
        Func<Manifest, Manifest> forge, string extra = "", string devices = "", IExtentSource? vda = null)
    {
        string Disk(string name) =>
            $"<disk device='disk' type='file'><source file='{Images}/{name}.raw'/><target dev='{name}'/></disk>";
        return RealBackups.PublishAsync(
            target, BackupSamples.IdOfDay(20),
            $"<domain "
                + $"type='kvm'><name>web1</name>{extra}<devices>{Disk("vda")}{Disk("vdb")}{devices}</devices></domain>",
            manifest => forge(manifest with
            {
                Disks = [.. manifest.Disks.Select(disk => disk with
                {
                    Layers = [disk.Layers[0] with { SourcePath = $"{Images}/{disk.Target}.raw" }],
                })],
            }),
            vda: vda);
    }

    /// <summary>A qcow2 header that names a backing file, and nothing else of an image.</summary>
    private static byte[] Qcow2(string backing)
    {
        const int NameOffset = 104;
        byte[] image = new byte[1024];
        BinaryPrimitives.WriteUInt32BigEndian(image, 0x514649FB);
        BinaryPrimitives.WriteUInt32BigEndian(image.AsSpan(4), 3);
        BinaryPrimitives.WriteUInt64BigEndian(image.AsSpan(8), NameOffset);
        BinaryPrimitives.WriteInt32BigEndian(image.AsSpan(16), backing.Length);
        Encoding.ASCII.GetBytes(backing).CopyTo(image, NameOffset);
        return image;
    }

    private Task<RestoreReport> RestoreAsync(
        string? to, bool define = false, Reply? pool = null, DomainName? replace = null)
    {
        RecordedShell shell = new RecordedShell(folder.DirectoryPath).On(
            "list --all", [.. Enumerable.Repeat(string.Empty, 3).Select(Reply.Good)])
            .On("pool-dumpxml", pool is null ? [] : [pool])
            .On("pool-list", Reply.Good("p1"), Reply.Good("p1"))
            .On("virsh define", Reply.Good("defined")).On("virsh autostart", Reply.Good(string.Empty))
            .On("managedsave-dumpxml", Reply.Of("shut-off/managedsave-dumpxml"));
        return RestoreSamples.Run(target, shell, folder.PathOf("keys")).RunAsync(
            new RestoreRequest(RealBackups.Web1, null, to, null, null, define, Start: false, replace, IsDryRun: define),
            null,
            CancellationToken.None);
    }
}
