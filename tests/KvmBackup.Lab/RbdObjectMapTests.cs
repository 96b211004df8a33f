using System.Globalization;
using System.Text.Json;
using KvmBackup.Ceph;
using KvmBackup.Lab.Support;
using KvmBackup.Shell;
using Serilog.Core;

namespace KvmBackup.Lab;

/// <summary>Images with a wrong object map, caused by a defect of old releases, and images in namespaces.</summary>
[Trait("Needs", "Ceph")]
public sealed class RbdObjectMapTests : IAsyncLifetime
{
    private const long Size = 64 << 20;
    private readonly RbdClient client = new(new ProcessRunner(Logger.None, TimeProvider.System));
    private readonly List<LabRbdImage> made = [];

    public Task InitializeAsync() => LabEnvironment.IsPresent ? LabCeph.EnsureStartedAsync() : Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (LabRbdImage image in made)
        {
            await LabCeph.RemoveAsync(image);
        }
    }

    [LabFact]
    public async Task An_image_with_a_wrong_object_map_is_read_correctly_with_a_warning()
    {
        foreach (long limit in new[] { 1, long.MaxValue })
        {
            LabRbdImage image = await MakeWrongAsync($"map {limit}");
            await using RbdImageSource source = await RbdImageSource.OpenAsync(
                client, At(image), "new", limit, default);
            Assert.Contains("WAS WRONG", source.Warning, StringComparison.Ordinal);
            await AssertRightAsync(source);
        }

        LabRbdImage changed = await MakeWrongAsync("map changes");
        await using RbdDiffSource changes = await RbdDiffSource.OpenAsync(
            client, At(changed), "base", "new", true, default);
        Assert.Contains("WAS WRONG", changes.Warning, StringComparison.Ordinal);
        byte[] found = new byte[Size];
        await CopyAsync(changes, new RbdDiffSink(changes.Layout, new MemorySink(found)));
        Assert.Equal((2, 3), (found[4 << 20], found[30 << 20]));
    }

    [LabFact]
    public async Task Rbd_export_reads_zeros_by_a_wrong_object_map()
    {
        // The reason for the check of the map: when this fails, rbd detects a wrong map itself.
        LabRbdImage image = await MakeWrongAsync("map of rbd");
        string raw = Path.Combine(LabEnvironment.NewDirectory("wrong"), "raw");
        await LabCeph.ExportAsync(image.At("new"), raw);

        byte[] content = await File.ReadAllBytesAsync(raw);

        Assert.Equal((2, 0), (content[4 << 20], content[30 << 20]));
    }

    [LabFact]
    public async Task An_image_in_a_namespace_is_read_and_described()
    {
        await LabCeph.RbdAsync("namespace", "create", "rbd/care");
        LabRbdImage image = await MakeAsync(new LabRbdImage("inside") { Namespace = "care" });
        await client.CreateSnapshotAsync(At(image), "one", TimeSpan.FromSeconds(20), default);
        await WriteAsync(image, "write -P 9 8M 64k");
        await client.CreateSnapshotAsync(At(image), "two", TimeSpan.FromSeconds(20), default);

        await using RbdImageSource source = await RbdImageSource.OpenAsync(client, At(image), "two", default);
        await using RbdDiffSource changes = await RbdDiffSource.OpenAsync(
            client, At(image), "one", "two", false, default);
        byte[] found = new byte[Size];
        await CopyAsync(source, new MemorySink(found));

        Assert.Equal((9, 0), (found[8 << 20], found[0]));
        Assert.Equal([new ImageChange(8 << 20, 64 << 10, true)], changes.Layout.Changes);
        Assert.Equal(
            ["one", "two"], (await client.EnsureSnapshotsExistAsync(At(image), [("one", null), ("two", null)], default))
            .Select(one => one.Name));
    }

    private static RbdLocation At(LabRbdImage image) => new(RbdImage.Parse(image.Specification), RbdAccess.Default);

    private static Task<Outcome> WriteAsync(LabRbdImage image, params string[] commands) => RunningProgram.RunAsync(
        "qemu-io",
        ["-f", "raw", .. commands.SelectMany(command => new[] { "-c", command }), $"rbd:{image.Specification}"]);

    private static async Task AssertRightAsync(IExtentSource source)
    {
        byte[] found = new byte[Size];
        await CopyAsync(source, new MemorySink(found));
        Assert.Equal((1, 2, 3, 0), (found[0], found[4 << 20], found[30 << 20], found[^1]));
    }

    private static async Task CopyAsync(IExtentSource source, IExtentSink sink)
    {
        byte[] piece = new byte[1 << 20];
        foreach (Extent extent in source.Extents)
        {
            for (long offset = extent.OffsetBytes; offset < extent.EndBytes; offset += piece.Length)
            {
                Memory<byte> part = piece.AsMemory(0, (int)Math.Min(piece.Length, extent.EndBytes - offset));
                await source.ReadAsync(offset, part, default);
                await sink.WriteAsync(offset, part, default);
            }
        }
    }

    private async Task<LabRbdImage> MakeAsync(LabRbdImage image)
    {
        made.Add(image);
        await LabCeph.CreateImageAsync(image, Size);
        return image;
    }

    /// <summary>At the snapshot <c>new</c> the map is that of an older snapshot, without the later writes.</summary>
    private async Task<LabRbdImage> MakeWrongAsync(string name)
    {
        LabRbdImage image = await MakeAsync(new LabRbdImage(name));
        (await WriteAsync(image, "write -P 1 0 16M")).MustSucceed();
        await LabCeph.RbdAsync("snap", "create", "--no-progress", image.At("base"));
        await LabCeph.RbdAsync("snap", "create", "--no-progress", image.At("old"));
        (await WriteAsync(image, "write -P 2 4M 64k", "write -P 3 30M 64k")).MustSucceed();
        await LabCeph.RbdAsync("snap", "create", "--no-progress", image.At("new"));
        using JsonDocument facts = JsonDocument.Parse(
            await LabCeph.RbdAsync("info", "--format", "json", image.Specification));
        string id = facts.RootElement.GetProperty("id").GetString()!;
        IReadOnlyList<LabRbdSnapshot> snapshots = await LabCeph.SnapshotsAsync(image);
        string copy = Path.Combine(LabEnvironment.NewDirectory("map"), "map");
        (await RunningProgram.RunAsync("rados", "-p", LabCeph.Pool, "get", MapOf("old"), copy)).MustSucceed();
        (await RunningProgram.RunAsync("rados", "-p", LabCeph.Pool, "put", MapOf("new"), copy)).MustSucceed();
        return image;

        string MapOf(string snapshot) => string.Create(
            CultureInfo.InvariantCulture,
            $"rbd_object_map.{id}.{snapshots.Single(one => one.Name == snapshot).Id:x16}");
    }

    private sealed class MemorySink(byte[] content) : IExtentSink
    {
        public ValueTask WriteAsync(long offsetBytes, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
        {
            data.CopyTo(content.AsMemory((int)offsetBytes));
            return ValueTask.CompletedTask;
        }
    }
}
