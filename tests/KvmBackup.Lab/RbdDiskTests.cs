using System.Text.Json;
using KvmBackup.Archiving;
using KvmBackup.Archiving.Chunks;
using KvmBackup.Ceph;
using KvmBackup.Lab.Support;
using KvmBackup.Shell;
using Microsoft.Win32.SafeHandles;
using Serilog.Core;

namespace KvmBackup.Lab;

/// <summary>The module Ceph reads RBD images from a real cluster and writes them back, byte for byte.</summary>
[Trait("Needs", "Ceph")]
public sealed class RbdDiskTests : IAsyncLifetime
{
    private const long Mebibyte = 1 << 20;
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly ProcessRunner shell = new(Logger.None, TimeProvider.System);
    private readonly RbdClient client;
    private readonly List<LabRbdImage> made = [];

    public RbdDiskTests() => client = new RbdClient(shell);

    public Task InitializeAsync() => LabEnvironment.IsPresent ? LabCeph.EnsureStartedAsync() : Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (LabRbdImage image in made)
        {
            await LabCeph.RemoveAsync(image);
        }
    }

    [LabFact]
    public async Task An_archived_image_is_unpacked_by_plain_tar()
    {
        LabRbdImage image = await MakeAsync("full", 64 * Mebibyte);

        // Each at the start of an object, because rbd counts the bytes before it in the object as data, too.
        await ChangeAsync(
            image, "write -P 65 0 64k", "write -P 66 4M 12k", "write -P 67 12M 4M", "write -P 0 40M 1M",
            "write -P 68 60M 1M");
        await SnapAsync(image, "s1");
        await ChangeAsync(image, "write -P 69 0 64k");

        string folder = LabEnvironment.NewDirectory("archive");
        await using (RbdImageSource source = await RbdImageSource.OpenAsync(client, At(image), "s1", None))
        {
            Assert.Equal(64 * Mebibyte, source.SizeBytes);
            _ = await ArchiveAsync(source, Path.Combine(folder, "web1.tar.gz"), "web1/vda.raw");
        }

        (await RunningProgram.RunAsync("tar", "-xSf", Path.Combine(folder, "web1.tar.gz"), "-C", folder)).MustSucceed();
        string extracted = Path.Combine(folder, "web1", "vda.raw");
        Assert.Equal(await ChecksumAsync(image.At("s1")), Folder.Checksum(extracted));
        Assert.InRange(await LabImage.AllocatedBytesAsync(extracted), 5 * Mebibyte, 8 * Mebibyte);
    }

    [LabFact]
    public async Task Archived_changes_are_applied_by_plain_rbd()
    {
        LabRbdImage image = await MakeAsync("changes", 64 * Mebibyte);
        await ChangeAsync(image, "write -P 65 0 64k", "write -P 66 4M 12k", "write -P 67 12M 4M", "write -P 68 40M 4M");
        await SnapAsync(image, "s1");
        LabRbdImage copy = await CopyAsync(image, "s1", "changes copy");
        await LabCeph.RbdAsync("resize", "--no-progress", "--size", "96M", image.Specification);
        await ChangeAsync(
            image, "write -P 70 8k 4k", "write -z 4100k 4k", "discard 40M 4M", "write -P 71 90M 100k",
            "write -P 72 13M 3");
        await SnapAsync(image, "s2");

        string folder = LabEnvironment.NewDirectory("archive");
        string archive = Path.Combine(folder, "web1.tar.gz");
        ArchiveMember member;
        RbdDiffLayout layout;
        await using (RbdDiffSource source = await RbdDiffSource.OpenAsync(client, At(image), "s1", "s2", false, None))
        {
            Assert.Contains(source.Layout.Changes, change => !change.IsData);
            (member, layout) = (await ArchiveAsync(source, archive, "web1/vda.rbd-diff"), source.Layout);
        }

        (await RunningProgram.RunAsync("tar", "-xf", archive, "-C", folder)).MustSucceed();
        string diff = Path.Combine(folder, "web1", "vda.rbd-diff");
        Assert.Equal(layout.LengthBytes, new FileInfo(diff).Length);
        await LabCeph.RbdAsync("import-diff", "--no-progress", diff, copy.Specification);
        string wanted = await ChecksumAsync(image.At("s2"));
        Assert.Equal(wanted, await ChecksumAsync(copy.Specification));
        Assert.Equal(wanted, await ChecksumAsync(copy.At("s2")));

        // The same without Ceph, into a raw file.
        string raw = Path.Combine(folder, "assembled.raw");
        await LabCeph.ExportAsync(image.At("s1"), raw);
        await ApplyAsync(archive, member, layout, raw);
        Assert.Equal(wanted, Folder.Checksum(raw));
    }

    [LabFact]
    public async Task A_chain_is_restored_into_a_new_sparse_image()
    {
        LabRbdImage image = await MakeAsync("chain", 128 * Mebibyte);
        await ChangeAsync(image, "write -P 65 1M 64k", "write -P 66 20M 9M", "write -P 67 100M 3M");
        await SnapAsync(image, "s1");
        await ChangeAsync(image, "write -P 68 1M 4k", "discard 20M 4M", "write -z 25M 4k", "write -P 69 70M 1M");
        await LabCeph.RbdAsync("resize", "--no-progress", "--allow-shrink", "--size", "96M", image.Specification);
        await SnapAsync(image, "s2");
        LabRbdImage restored = new("chain restored");
        made.Add(restored);
        await client.CreateImageAsync(At(restored), 128 * Mebibyte, None);

        await using (RbdImageSource full = await RbdImageSource.OpenAsync(client, At(image), "s1", None))
        await using (RbdImageWriter writer = await RbdImageWriter.OpenAsync(client, At(restored), full.SizeBytes, None))
        {
            await CopyBackwardsAsync(full, writer);
            await writer.CompleteAsync(None);
        }

        Assert.Equal(await ChecksumAsync(image.At("s1")), await ChecksumAsync(restored.Specification));
        Assert.Equal(await UsedBytesAsync(image, "s1"), await UsedBytesAsync(restored, null));

        await using (RbdDiffSource changes = await RbdDiffSource.OpenAsync(client, At(image), "s1", "s2", false, None))
        await using (RbdImageWriter writer = await RbdImageWriter.OpenAsync(
            client, At(restored), changes.Layout.SizeBytes, None))
        {
            await CopyBackwardsAsync(changes, new RbdDiffSink(changes.Layout, writer, writer.DiscardAsync));
            await writer.CompleteAsync(None);
        }

        Assert.Equal(await ChecksumAsync(image.At("s2")), await ChecksumAsync(restored.Specification));
    }

    [LabFact]
    public async Task The_image_of_an_aborted_restore_can_be_removed_at_once()
    {
        LabRbdImage image = await MakeAsync("broken off", 64 * Mebibyte);
        await using (RbdImageWriter writer = await RbdImageWriter.OpenAsync(client, At(image), 64 * Mebibyte, None))
        {
            await writer.WriteAsync(0, new byte[] { 1, 2, 3 }, None);
        }

        await client.RemoveImageAsync(At(image), None);

        Assert.Null(await client.TryDescribeAsync(At(image), null, None));
    }

    [LabFact]
    public async Task Snapshots_are_created_and_removed_and_failures_name_them()
    {
        LabRbdImage image = await MakeAsync("snapshots", 8 * Mebibyte);
        RbdLocation location = At(image) with
        {
            Access = new RbdAccess([LabCeph.Host], LabCeph.User, await KeyFileAsync(), null, null),
        };

        await client.CreateSnapshotAsync(location, "one", TimeSpan.FromSeconds(10), None);
        await client.ProtectAsync(location, "one", None);
        await client.ProtectAsync(location, "one", None);
        RbdSnapshot snapshot = (await client.ListSnapshotsAsync(location, None)).Single();
        CephException isProtected = await FailsAsync(() => client.RemoveSnapshotAsync(location, "one", None));
        await client.UnprotectAsync(location, "one", None);
        await client.UnprotectAsync(location, "one", None);

        Assert.Equal(("one", 8 * Mebibyte, true), (snapshot.Name, snapshot.SizeBytes, snapshot.IsProtected));
        Assert.Contains("is protected from removal", isProtected.Message, StringComparison.Ordinal);
        Assert.True(await client.RemoveSnapshotAsync(location, "one", None));
        Assert.False(await client.RemoveSnapshotAsync(location, "one", None));
        Assert.Empty(await client.ListSnapshotsAsync(location, None));
    }

    [LabFact]
    public async Task A_hanging_cluster_fails_a_request_at_the_time_limit()
    {
        LabRbdImage image = await MakeAsync("hanging", 8 * Mebibyte);

        await LabCeph.WhilePausedAsync(async () =>
        {
            CephException failure = await FailsAsync(
                () => client.CreateSnapshotAsync(At(image), "never", TimeSpan.FromSeconds(4), None));
            Assert.Contains("hanging", failure.Message, StringComparison.Ordinal);
            Assert.Contains("ceph health detail", failure.Message, StringComparison.Ordinal);
        });
    }

    private static Task<CephException> FailsAsync(Func<Task> action) => Assert.ThrowsAsync<CephException>(action);

    private static RbdLocation At(LabRbdImage image) => new(RbdImage.Parse(image.Specification), RbdAccess.Default);

    private static async Task<string> KeyFileAsync()
    {
        string path = Path.Combine(LabEnvironment.NewDirectory("key"), "key");
        await File.WriteAllTextAsync(path, await LabCeph.CephAsync("auth", "get-key", $"client.{LabCeph.User}"));
        return path;
    }

    private async Task<LabRbdImage> MakeAsync(string name, long sizeBytes)
    {
        LabRbdImage image = new(name);
        made.Add(image);
        await LabCeph.CreateImageAsync(image, sizeBytes);
        return image;
    }

    private async Task<LabRbdImage> CopyAsync(LabRbdImage image, string snapshot, string name)
    {
        LabRbdImage copy = new(name);
        made.Add(copy);
        string raw = Path.Combine(LabEnvironment.NewDirectory("copy"), "raw");
        await LabCeph.ExportAsync(image.At(snapshot), raw);
        await LabCeph.ImportAsync(raw, copy);
        await SnapAsync(copy, snapshot);
        return copy;
    }

    private static Task<string> SnapAsync(LabRbdImage image, string name) =>
        LabCeph.RbdAsync("snap", "create", "--no-progress", image.At(name));

    private static async Task ChangeAsync(LabRbdImage image, params string[] commands) =>
        (await RunningProgram.RunAsync(
        "qemu-io",
        ["-f", "raw", .. commands.SelectMany(command => new[] { "-c", command }), $"rbd:{image.Specification}"]))
        .MustSucceed();

    private static async Task<string> ChecksumAsync(string specification)
    {
        string raw = Path.Combine(LabEnvironment.NewDirectory("export"), "raw");
        await LabCeph.ExportAsync(specification, raw);
        string checksum = Folder.Checksum(raw);
        File.Delete(raw);
        return checksum;
    }

    private static async Task<long> UsedBytesAsync(LabRbdImage image, string? snapshot)
    {
        string json = await LabCeph.RbdAsync("du", "--format", "json", image.Specification);
        using JsonDocument document = JsonDocument.Parse(json);
        return document.RootElement.GetProperty("images").EnumerateArray()
            .Single(one => (one.TryGetProperty("snapshot", out JsonElement name) ? name.GetString() : null) == snapshot)
            .GetProperty("used_size").GetInt64();
    }

    private async Task<ArchiveMember> ArchiveAsync(IExtentSource source, string path, string name)
    {
        await using FileStream file = new(path, FileMode.CreateNew);
        await using ArchiveWriter writer = new(
            file, new Compression(CompressionMethod.Gzip, 1, 2), shell, DateTimeOffset.UnixEpoch);
        ArchiveMember member = await writer.AddAsync(name, source, null, None);
        ArchiveSummary summary = await writer.CompleteAsync(None);
        await using FileStream index = new(path + ".index", FileMode.CreateNew);
        await summary.Index.WriteToAsync(index, None);
        return member;
    }

    private static async Task ApplyAsync(string archive, ArchiveMember member, RbdDiffLayout layout, string raw)
    {
        await using FileStream index = File.OpenRead(archive + ".index");
        using SafeFileHandle handle = File.OpenHandle(archive);
        using SafeFileHandle target = File.OpenHandle(raw, FileMode.Open, FileAccess.ReadWrite);
        RandomAccess.SetLength(target, layout.SizeBytes);
        ArchiveReader reader = new(handle, await ArchiveIndex.ReadFromAsync(index, None), CompressionMethod.Gzip);
        await reader.ExtractAsync(member, new RbdDiffSink(layout, new FileSink(target)), null, None);
    }

    /// <summary>Writes the last piece first, in pieces that split records at any place.</summary>
    private static async Task CopyBackwardsAsync(IExtentSource source, IExtentSink sink)
    {
        const int PieceBytes = 1_000_003;
        List<(long Offset, byte[] Data)> pieces = [];
        foreach (Extent extent in source.Extents)
        {
            for (long offset = extent.OffsetBytes; offset < extent.EndBytes; offset += PieceBytes)
            {
                byte[] data = new byte[Math.Min(PieceBytes, extent.EndBytes - offset)];
                await source.ReadAsync(offset, data, None);
                pieces.Add((offset, data));
            }
        }

        pieces.Reverse();
        await Parallel.ForEachAsync(
            pieces, async (piece, token) => await sink.WriteAsync(piece.Offset, piece.Data, token));
    }

    private sealed class FileSink(SafeFileHandle handle) : IExtentSink
    {
        public ValueTask WriteAsync(long offsetBytes, ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
            RandomAccess.WriteAsync(handle, data, offsetBytes, cancellationToken);
    }
}
