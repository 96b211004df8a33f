using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Runs.Guests;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs.Guests;

public sealed class EncryptedOverlaysTests : IDisposable
{
    private const string Value = "aHVudGVyMg==";
    private static readonly Guid Secret = new("47b3fd29-4842-44a1-a767-d48461d0ec60");
    private readonly Web1Host host = new();
    private readonly PlannedOverlay overlay;

    public EncryptedOverlaysTests()
    {
        overlay =
            host.Vdb with { Encryption = new DiskEncryption(DiskEncryption.Luks, Secret, null), SizeBytes = 64 << 20 };
        host.Shell.On(
            $"secret-get-value --secret {Secret}", [.. Enumerable.Repeat(0, 30).Select(_ => Reply.Good(Value + "\n"))]);
    }

    public void Dispose() => host.Dispose();

    [Fact]
    public async Task Without_an_encrypted_disk_libvirt_creates_the_overlays() =>
        Assert.False(await Overlays.CreateAsync([host.Vda, host.Vdb], CancellationToken.None));

    [Fact]
    public async Task An_overlay_gets_the_secret_of_its_base_without_a_command_line_argument()
    {
        host.Shell.On("qemu-img create", Reply.Good(string.Empty), Reply.Good(string.Empty));

        Assert.True(await Overlays.CreateAsync([host.Vda, overlay], CancellationToken.None));

        string[] calls =
            [.. host.Shell.Calls.Select(Recording.TextOf)
                .Where(text => text.StartsWith("qemu-img create", StringComparison.Ordinal))];
        Assert.Equal(2, calls.Length);
        Assert.DoesNotContain("encrypt", calls[0], StringComparison.Ordinal);
        Assert.Contains(
            $"-u -b {overlay.BasePath} -F luks --object secret,id=sec0,file=/dev/stdin,format=base64 "
            + $"-o encrypt.format=luks,encrypt.key-secret=sec0,encrypt.iter-time=200 {overlay.OverlayPath} 67108864",
            calls[1], StringComparison.Ordinal);
        Assert.Equal([Value], host.Shell.Inputs);
        Assert.All(
            host.Shell.Calls, call => Assert.DoesNotContain(Value, Recording.TextOf(call), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_key_derivation_that_cannot_be_measured_is_repeated()
    {
        host.Shell.On(
            "qemu-img create", Reply.Good(string.Empty),
            Reply.Bad("qemu-img: o.qcow2: Unable to get accurate CPU usage"), Reply.Good(string.Empty));

        Assert.True(await Overlays.CreateAsync([host.Vda, overlay], CancellationToken.None));

        Assert.Equal(3, host.Shell.Count("qemu-img create"));
    }

    [Fact]
    public async Task No_overlay_stays_when_one_cannot_be_created()
    {
        host.Shell.On(
            "qemu-img create", Reply.Good(string.Empty).Then(() => File.WriteAllText(host.Vda.OverlayPath, "made")),
            Reply.Bad("qemu-img: No space left on device"));

        _ = await Assert.ThrowsAsync<DisksException>(
            () => Overlays.CreateAsync([host.Vda, overlay], CancellationToken.None));

        Assert.False(File.Exists(host.Vda.OverlayPath));
    }

    [Fact]
    public async Task An_offline_commit_reads_the_secret()
    {
        host.BePinned();
        host.Shell.On("qemu-img commit", Reply.Good("Image committed."));

        await Overlays.CommitAsync(overlay);

        string call = Recording.TextOf(host.Shell.Calls[^1]);
        Assert.Contains(
            $"json:{{\"driver\":\"qcow2\",\"file\":{{\"driver\":\"file\",\"filename\":\"{overlay.OverlayPath}\"}}",
            call, StringComparison.Ordinal);
        Assert.Contains(
            "\"encrypt.key-secret\":\"sec0\",\"backing\":{\"driver\":\"luks\"", call, StringComparison.Ordinal);
        Assert.Equal([Value], host.Shell.Inputs);
    }

    [Fact]
    public async Task Looking_for_data_of_the_guest_finds_the_secret()
    {
        host.BePinned();
        host.Shell.On("qemu-img map", Reply.Good("[]"));

        Assert.False(await Overlays.HasOwnDataAsync(overlay));

        Assert.Equal([Value], host.Shell.Inputs);
    }

    [Fact]
    public async Task A_secret_that_is_named_by_its_usage_is_looked_up()
    {
        host.Shell.On(
            "secret-list",
            Reply.Good($" {Web1Host.Other}   ceph     client.kvm secret\n {Secret}   volume   /images/a.qcow2\n"),
            Reply.Good("\n"));

        Assert.Equal(Value,
            await host.Libvirt.ReadSecretAsync(
                new DiskEncryption("luks", null, "/images/a.qcow2"), CancellationToken.None));
        _ = await Assert.ThrowsAsync<HypervisorException>(
            () => host.Libvirt.ReadSecretAsync(
                new DiskEncryption("luks", null, "/images/a.qcow2"), CancellationToken.None));
    }

    private EncryptedOverlays Overlays => new(host.Libvirt, host.Images);
}
