using System.Buffers.Binary;
using KvmBackup.Archiving.Codecs;
using KvmBackup.Runs.Archives;
using KvmBackup.Storage;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Runs.Inspect;

/// <summary>Verifications that are faster than a complete one, and prove less.</summary>
public sealed class VerifyDepthTests : IAsyncLifetime
{
    private readonly TemporaryFolder folder = new();
    private readonly List<long> bytesRead = [];
    private CompletedBackup backup = null!;

    public async Task InitializeAsync()
    {
        BackupDirectory target = new(folder.PathOf("backups"), TimeProvider.System);
        target.EnsureUsable();
        backup = await RealBackups.PublishAsync(target, ManifestSamples.Id);
    }

    public Task DisposeAsync()
    {
        folder.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Checksums_alone_find_any_changed_byte_and_the_affected_members()
    {
        Assert.Empty(await VerifyAsync(VerifyDepth.Checksums));
        Assert.Equal(backup.Manifest.Archive.SizeBytes, bytesRead[^1]);

        Flip(backup.Manifest.Archive.FileName, backup.Manifest.Archive.SizeBytes - 3000);

        ArchiveDamage damage = Assert.Single(await VerifyAsync(VerifyDepth.Checksums));
        Assert.Contains("their checksum differs", damage.Reason, StringComparison.Ordinal);
        Assert.Equal(["web1/vdb.raw"], damage.Members);
    }

    [Fact]
    public async Task A_truncated_archive_and_trailing_data_are_found_without_unpacking()
    {
        string path = Path.Combine(backup.DirectoryPath, backup.Manifest.Archive.FileName);
        File.AppendAllText(path, "x");
        Assert.Contains("1 bytes follow",
            Assert.Single(await VerifyAsync(VerifyDepth.Checksums)).Reason, StringComparison.Ordinal);

        await using (FileStream file = File.OpenWrite(path))
        {
            file.SetLength(file.Length - 100);
        }

        Assert.Contains("the file ends here",
            Assert.Single(await VerifyAsync(VerifyDepth.Checksums)).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sample_reads_its_share_and_repeated_samples_find_the_damage()
    {
        Flip(backup.Manifest.Archive.FileName, 20_000);
        int found = 0;
        for (int round = 0; round < 200; round++)
        {
            bytesRead.Clear();
            found += (await VerifyAsync(VerifyDepth.Sample(0.2))).Count;
            Assert.InRange(bytesRead[^1], 1, backup.Manifest.Archive.SizeBytes / 2);
        }

        Assert.InRange(found, 5, 120);
    }

    [Fact]
    public async Task Without_a_trusted_index_everything_is_unpacked()
    {
        Flip(backup.Manifest.Archive.IndexFileName, 30);
        Flip(backup.Manifest.Archive.FileName, 20_000);

        IReadOnlyList<ArchiveDamage> damages = await VerifyAsync(VerifyDepth.Sample(0.01));

        Assert.Contains(damages, damage => damage.File == backup.Manifest.Archive.FileName);
    }

    [Fact]
    public async Task A_repacked_archive_without_an_index_is_detected_by_the_checksum_of_the_file()
    {
        string path = Path.Combine(backup.DirectoryPath, backup.Manifest.Archive.FileName);
        byte[] archive = File.ReadAllBytes(path);

        // The first member has its length in its header, and that of its content at its end.
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(archive.AsSpan(16));
        byte[] content = new byte[BinaryPrimitives.ReadInt32LittleEndian(archive.AsSpan(length - sizeof(int)))];
        using GzipCodec other = new(level: 1);
        _ = other.Decompress(archive.AsMemory(0, length), content);
        ReadOnlyMemory<byte> packed =
            await other.CompressAsync(
                content, new byte[CodecFactory.BufferBytes(content.Length)], CancellationToken.None);
        File.WriteAllBytes(path, [.. packed.Span, .. archive.AsSpan(length)]);
        File.Delete(Path.Combine(backup.DirectoryPath, backup.Manifest.Archive.IndexFileName));

        IReadOnlyList<ArchiveDamage> damages = await VerifyAsync(VerifyDepth.Content);

        Assert.Contains(damages, damage => damage.Reason.StartsWith("SHA-256 of the file", StringComparison.Ordinal));
    }

    private Task<IReadOnlyList<ArchiveDamage>> VerifyAsync(VerifyDepth depth) =>
        new BackupVerifier(Logger.None).VerifyAsync(
        backup, depth, new Bytes(bytesRead), CancellationToken.None);

    private void Flip(string fileName, long place)
    {
        string path = Path.Combine(backup.DirectoryPath, fileName);
        byte[] bytes = File.ReadAllBytes(path);
        bytes[place] ^= 1;
        File.WriteAllBytes(path, bytes);
    }

    private sealed class Bytes(List<long> seen) : IProgress<TransferProgress>
    {
        public void Report(TransferProgress value)
        {
            lock (seen)
            {
                seen.Add(value.DoneBytes);
                seen.Sort();
            }
        }
    }
}
