using KvmBackup.Ceph;

namespace KvmBackup.Tests.Ceph;

/// <summary>The common interface of the whole content of an image and of its changes.</summary>
public sealed class RbdExtentSourceTests
{
    [Fact]
    public async Task Without_an_older_snapshot_the_source_is_the_whole_content()
    {
        DiffSample sample = new() { SizeBytes = 100_000, Changes = [new(0, 700, true)] };

        await using IRbdExtentSource source = await OpenAsync(sample);

        Assert.Equal((100_000, 100_000), (source.ImageSizeBytes, source.SizeBytes));
        Assert.Empty(source.Changes);
        Assert.Equal((null, false), (source.Warning, source.IsWaiting));
        Assert.Equal(sample.Expected(0, 700), (await DiffSample.ReadAsync(source, 512))[..700]);
    }

    [Fact]
    public async Task With_an_older_snapshot_the_source_is_the_stream_of_the_exact_changes()
    {
        DiffSample sample = new()
        {
            FromSnapshot = "s1",
            SizeBytes = 100_000,
            Changes = [new(0, 700, true), new(4096, 50, false)],
            IsMapWrong = true,
        };

        await using IRbdExtentSource source = await OpenAsync(sample);

        Assert.Equal((100_000, sample.Stream().Length), (source.ImageSizeBytes, source.SizeBytes));
        Assert.Equal(sample.Changes, source.Changes);
        Assert.Contains("THE OBJECT MAP OF rbd/a@s2 WAS WRONG", source.Warning, StringComparison.Ordinal);
        Assert.Equal(sample.Stream(), await DiffSample.ReadAsync(source, 512));
    }

    private static Task<IRbdExtentSource> OpenAsync(DiffSample sample) => IRbdExtentSource.OpenAsync(
        new RbdClient(sample.Shell()), DiffSample.Location, DiffSample.Snapshot, sample.FromSnapshot, default);
}
