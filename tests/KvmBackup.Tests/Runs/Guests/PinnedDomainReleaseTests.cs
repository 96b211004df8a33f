using KvmBackup.Journaling;
using KvmBackup.Runs.Guests;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs.Guests;

/// <summary>The release of a domain to its own disks.</summary>
public sealed class PinnedDomainReleaseTests : IDisposable
{
    private readonly Web1Host host = new();

    public PinnedDomainReleaseTests() => host.Shell
        .Now("agent/thawed", "agent/osinfo", "agent/freeze", "agent/thaw")
        .On("snapshot-create-as", Reply.Of("running/snapshot").Then(host.BePinned));

    public void Dispose() => host.Dispose();

    [Fact]
    public async Task A_failure_after_the_snapshot_releases_every_disk()
    {
        (PinnedDomain pin, OpenEntry entry) = await BeginAsync();
        host.HaveWorkingCommits();

        await pin.DisposeAsync();

        Assert.Empty(pin.Problems);
        Assert.False(File.Exists(host.Vda.OverlayPath) || File.Exists(host.Vdb.OverlayPath));
        Assert.All(entry.Current.Pins, one => Assert.Equal(PinState.Released, one.State));
    }

    [Fact]
    public async Task A_disk_that_cannot_be_released_does_not_prevent_the_release_of_the_others()
    {
        (PinnedDomain pin, OpenEntry entry) = await BeginAsync();
        host.HaveStubbornVda();

        await pin.DisposeAsync();

        Assert.Contains("IS STILL ON ITS OVERLAY", Assert.Single(pin.Problems), StringComparison.Ordinal);
        Assert.True(File.Exists(host.Vda.OverlayPath));
        Assert.False(File.Exists(host.Vdb.OverlayPath));
        Assert.Equal([PinState.Releasing, PinState.Released], entry.Current.Pins.Select(one => one.State));
    }

    [Fact]
    public async Task A_disk_is_released_once()
    {
        (PinnedDomain pin, _) = await BeginAsync();
        host.HaveWorkingCommits();
        await pin.ReleaseAsync(Web1.Vda);
        await pin.ReleaseAsync(Web1.Vdb);
        int calls = host.Shell.Calls.Count;

        await pin.DisposeAsync();

        Assert.Equal(calls, host.Shell.Calls.Count);
    }

    [Fact]
    public async Task A_file_that_replaced_an_overlay_is_not_deleted()
    {
        (PinnedDomain pin, _) = await BeginAsync();
        host.HaveWorkingCommits();
        File.WriteAllText(host.PathOf("new"), "something else");
        File.Move(host.PathOf("new"), host.Vda.OverlayPath, overwrite: true);

        await pin.ReleaseAsync(Web1.Vda);

        Assert.Contains(
            "is not the overlay that this run created", Assert.Single(pin.Problems), StringComparison.Ordinal);
        Assert.True(File.Exists(host.Vda.OverlayPath));
    }

    private async Task<(PinnedDomain Pin, OpenEntry Entry)> BeginAsync()
    {
        (PinnedDomain pin, OpenEntry entry) = await host.BeginPinAsync(QuiesceMode.Try);
        await pin.PinAsync(CancellationToken.None);
        return (pin, entry);
    }
}
