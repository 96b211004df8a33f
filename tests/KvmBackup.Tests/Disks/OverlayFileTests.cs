using KvmBackup.Disks;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Disks;

public sealed class OverlayFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_recorded_overlay_is_removed()
    {
        string path = Write(Path.GetFileName(Web1.VdaOverlay.OverlayPath));

        OverlayFile.Remove(path, LocalFile.Identify(path));

        Assert.False(File.Exists(path));
    }

    [Theory]
    [InlineData("web1.qcow2")]
    [InlineData("kvmbackup.qcow2")]
    [InlineData("snapshot_web1-12345678.img")]
    public void A_file_of_another_name_is_not_removed_even_when_it_is_recorded(string name)
    {
        string path = Write(name);

        DisksException failure = Assert.Throws<DisksException>(
            () => OverlayFile.Remove(path, LocalFile.Identify(path)));

        Assert.Equal(ExitCode.ManualActionRequired, failure.ExitCode);
        Assert.True(File.Exists(path));
    }

    [Fact]
    public void Another_file_of_the_same_name_is_not_removed()
    {
        string path = Write(Path.GetFileName(Web1.VdaOverlay.OverlayPath));
        FileIdentity recorded = LocalFile.Identify(path);
        File.Move(Write("other"), path, overwrite: true);

        _ = Assert.Throws<DisksException>(() => OverlayFile.Remove(path, recorded));

        Assert.True(File.Exists(path));
    }

    [Fact]
    public void A_link_with_the_name_of_an_overlay_is_not_followed()
    {
        // A link with the name of an overlay to the base of a guest: neither may be removed.
        string target = Write("web1.qcow2");
        string link = folder.PathOf(Path.GetFileName(Web1.VdaOverlay.OverlayPath));
        FileIdentity overlay = LocalFile.Identify(Write("was the overlay"));
        _ = File.CreateSymbolicLink(link, target);

        _ = Assert.Throws<DisksException>(() => OverlayFile.Remove(link, overlay));

        Assert.True(File.Exists(target));
    }

    private string Write(string name)
    {
        string path = folder.PathOf(name);
        File.WriteAllText(path, name);
        return path;
    }
}
