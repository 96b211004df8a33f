using KvmBackup.Disks;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Disks;

public sealed class QemuImageTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly RecordedShell shell;

    public QemuImageTests()
    {
        shell = new RecordedShell(folder.DirectoryPath);
        foreach (string name in new[] { "raw.img", "template.qcow2", "clone.qcow2", "relative.qcow2", "on-raw.qcow2",
            "external.qcow2", "on-network.qcow2" })
        {
            File.WriteAllText(folder.PathOf(name), string.Empty);
        }
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("template", "qcow2", "template.qcow2:qcow2")]
    [InlineData("clone", "qcow2", "clone.qcow2:qcow2 template.qcow2:qcow2")]
    [InlineData("relative", "qcow2", "relative.qcow2:qcow2 template.qcow2:qcow2")]
    [InlineData("on-raw", "qcow2", "on-raw.qcow2:qcow2 raw.img:raw")]
    [InlineData("raw", "raw", "raw.img:raw")]
    public async Task The_backing_chain_is_read_from_the_top(string image, string format, string chain)
    {
        shell.Now($"images/{image}");

        IReadOnlyList<ImageLayer> layers = await ReadAsync(image, format);

        Assert.Equal(
            chain, string.Join(' ', layers.Select(layer => $"{Path.GetFileName(layer.FilePath)}:{layer.Format}")));
        Assert.All(layers, layer => Assert.Equal((1 << 20, false), (layer.VirtualSizeBytes, layer.IsBlockDevice)));
    }

    [Fact]
    public async Task The_format_of_a_disk_is_never_probed()
    {
        // A guest could write a qcow2 header that names any file of the host to its raw disk.
        shell.Now("images/raw");

        _ = await ReadAsync("raw", "raw");

        IReadOnlyList<string> arguments = shell.Calls.Single().Arguments;
        Assert.Equal("raw", arguments[arguments.ToList().IndexOf("-f") + 1]);
        Assert.Contains("-U", arguments);
    }

    [Theory]
    [InlineData("external", "keeps its data in an external file", "exclude")]
    [InlineData("on-network", "is no local file", "exclude")]
    [InlineData("orphan", "gone.qcow2", "No such file")]
    [InlineData("absent", "absent.qcow2", "No such file")]
    [InlineData("nonsense", "Image is not in qcow2 format", "nonsense.qcow2")]
    public async Task An_unsupported_chain_is_refused_with_its_path(string image, string what, string more)
    {
        shell.Now($"images/{image}");

        DisksException failure = await Assert.ThrowsAsync<DisksException>(() => ReadAsync(image, "qcow2"));

        Assert.Contains(what, failure.Message, StringComparison.Ordinal);
        Assert.Contains(more, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("disk-s001.vmdk", true)]
    [InlineData("disk.vmdk", false)]
    public async Task A_vmdk_is_refused_if_its_data_are_in_other_files(string extent, bool isRefused)
    {
        string path = folder.PathOf("disk.vmdk");
        File.WriteAllText(path, string.Empty);
        string json = """
            [{"virtual-size": 16777216, "filename": "PATH", "format": "vmdk", "format-specific": {"type": "vmdk",
            "data": {"cid": 1, "create-type": "twoGbMaxExtentSparse", "extents": [{"virtual-size": 16777216,
            "filename": "EXTENT", "format": "SPARSE"}]}}}]
            """;
        shell.On("info", Reply.Good(json.Replace("PATH", path, StringComparison.Ordinal)
            .Replace("EXTENT", folder.PathOf(extent), StringComparison.Ordinal)));

        Task<IReadOnlyList<ImageLayer>> reading =
            new QemuImage(shell).ReadChainAsync(path, "vmdk", CancellationToken.None);

        if (isRefused)
        {
            Assert.Contains(
                $"keeps its data in other files, such as {folder.PathOf(extent)}",
                (await Assert.ThrowsAsync<DisksException>(() => reading)).Message, StringComparison.Ordinal);
        }
        else
        {
            Assert.Equal("vmdk", Assert.Single(await reading).Format);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("[")]
    [InlineData("{}")]
    [InlineData("[{}]")]
    [InlineData("[7]")]
    [InlineData("""[{"filename":7}]""")]
    [InlineData("""[{"filename":"/a","format":"raw","virtual-size":1e99}]""")]
    [InlineData("""[{"filename":null,"format":"raw","virtual-size":1}]""")]
    public async Task A_truncated_or_unexpected_answer_is_refused(string output)
    {
        shell.On("info", Reply.Good(output));

        DisksException failure = await Assert.ThrowsAsync<DisksException>(() => ReadAsync("raw", "raw"));

        Assert.Contains("cannot be parsed", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    public async Task Leaked_clusters_are_not_damage(int exitCode, bool isGood)
    {
        shell.On("check", Reply.Bad("qemu-img reports it", exitCode));

        Task check = new QemuImage(shell).CheckAsync("/a.qcow2", CancellationToken.None);

        if (isGood)
        {
            await check;
        }
        else
        {
            Assert.Equal(ExitCode.DamageFound, (await Assert.ThrowsAsync<DisksException>(() => check)).ExitCode);
        }
    }

    private Task<IReadOnlyList<ImageLayer>> ReadAsync(string image, string format) =>
        new QemuImage(shell).ReadChainAsync(
        folder.PathOf($"{image}.{(format == "raw" ? "img" : "qcow2")}"), format, CancellationToken.None);
}
