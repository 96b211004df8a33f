using KvmBackup.Ceph;
using KvmBackup.Configuration;
using KvmBackup.Hypervisor;
using KvmBackup.Planning;
using KvmBackup.Runs.Clusters;
using KvmBackup.Runs.Restore;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Runs.Restore;

public sealed class ImageDestinationsTests : IDisposable
{
    private const string Xml =
        """
        <domain><devices><disk type='network'><source protocol='rbd' name='rbd/data'><host name='10.0.0.1' port='6789'/>
        <auth username='u'><secret type='ceph' uuid='0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f'/></auth></source>
        <target dev='vdb'/></disk></devices></domain>
        """;

    private const string Info = """{"id":"1a","size":4096,"object_size":4194304,"features":[],"flags":[]}""";
    private static readonly Reply Missing = Reply.Bad("rbd: error opening image a: (2) No such file or directory", 2);
    private readonly TemporaryFolder folder = new();
    private readonly RecordedShell shell = new();
    private readonly List<string> refusals = [];

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task The_original_image_of_an_interrupted_restore_is_renamed_back_and_never_removed()
    {
        shell.On("secret-get-value", Reply.Good("a2V5\n")).On("new.kvmbackup-replaced", Reply.Good(Info))
            .On("new.kvmbackup-partial", Missing).On("info", Missing);

        _ = await FindAsync(mayReplace: true);

        Assert.EndsWith(
            "rename rbd/new.kvmbackup-replaced rbd/new`", Assert.Single(refusals), StringComparison.Ordinal);

        // It is gone when the operator runs the command.
        Assert.DoesNotContain("--keyfile", refusals[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_new_image_has_the_access_of_the_domain_s_images()
    {
        shell.On("secret-get-value", Reply.Good("a2V5\n")).On("info", Missing, Missing, Missing);

        PlacedImage image = Assert.Single(await FindAsync(mayReplace: false));

        Assert.Empty(refusals);
        Assert.False(image.Replaces);
        Assert.Equal(("rbd/new", "u", "10.0.0.1:6789"),
            (image.Location.Image.Spec, image.Location.Access.User, image.Location.Access.Monitors.Single()));
        Assert.Equal("a2V5", File.ReadAllText(image.Location.Access.KeyFilePath!));
    }

    [Fact]
    public async Task The_host_s_Ceph_configuration_is_used_when_libvirt_has_no_secret()
    {
        shell.On("secret-get-value", Reply.Bad("error: failed to get secret")).On("info", Missing, Missing, Missing);

        Assert.Equal(RbdAccess.Default, Assert.Single(await FindAsync(mayReplace: false)).Location.Access);
    }

    [Fact]
    public async Task An_existing_image_is_refused_with_the_option_that_overwrites_it()
    {
        shell.On("secret-get-value", Reply.Good("a2V5\n")).On(
            "new.kvmbackup-replaced", Missing).On("new.kvmbackup-partial", Missing).On("info", Reply.Good(Info));

        _ = await FindAsync(mayReplace: false);

        Assert.Contains("--replace-image rbd/new", Assert.Single(refusals), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_image_to_replace_is_refused_while_it_is_in_use_or_has_snapshots()
    {
        shell.On("secret-get-value", Reply.Good("a2V5\n")).On(
            "new.kvmbackup-replaced", Missing).On("new.kvmbackup-partial", Missing).On("info", Reply.Good(Info))
            .On("status", Reply.Good("""{"watchers":[{"address":"127.0.0.1:0/2","client":1,"cookie":3}]}"""))
            .On("snap ls", Reply.Good("""[{"id":4,"name":"s","size":4096,"protected":"false"}]"""));

        PlacedImage image = Assert.Single(await FindAsync(mayReplace: true));

        Assert.True(image.Replaces);
        Assert.Equal(2, refusals.Count);
        Assert.Contains("in use by 127.0.0.1:0/2", refusals[0], StringComparison.Ordinal);
        Assert.Contains("has 1 snapshots", refusals[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_partial_image_of_a_killed_restore_is_reported_with_the_command_that_removes_it()
    {
        shell.On("secret-get-value", Reply.Good("a2V5\n")).On(
            "new.kvmbackup-replaced", Missing).On("new.kvmbackup-partial", Reply.Good(Info)).On("info", Missing);

        _ = await FindAsync(mayReplace: false);

        Assert.EndsWith(
            "rm --no-progress rbd/new.kvmbackup-partial`", Assert.Single(refusals), StringComparison.Ordinal);
        Assert.DoesNotContain("--keyfile", refusals[0], StringComparison.Ordinal);
    }

    private Task<IReadOnlyList<PlacedImage>> FindAsync(bool mayReplace)
    {
        RbdClient cluster = new(shell);
        ClusterAccess access = new(new LibvirtHost(new Virsh(shell, null)), new ClusterKeys(folder.PathOf("keys")));
        ImageDestinations destinations =
            new(access, cluster, new RbdImageStore(cluster), _ => CephSettings.None, Logger.None);
        Manifest manifest = ManifestSamples.Create();
        return destinations.FindAsync(
            new CompletedBackup("/b", manifest, IsProtected: false), Xml,
            [new RestoreImage(manifest.Disks[0], RbdImage.Parse("rbd/new"), mayReplace)],
            refusals, default);
    }
}
