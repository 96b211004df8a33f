using System.Text;
using KvmBackup.Storage;
using KvmBackup.Tests.Planning;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Storage;

/// <summary>RBD images in a manifest, and invalid values.</summary>
public sealed class ManifestImageTests
{
    private static string Text => Encoding.UTF8.GetString(ManifestFile.Format(Sample(ChainSamples.Backup(2, 1))));

    [Fact]
    public void An_image_and_its_base_are_read_back_as_written()
    {
        foreach (CompletedBackup backup in new[] { ChainSamples.Backup(2, 1), ChainSamples.Backup(1) })
        {
            Manifest written = Sample(backup);
            Manifest read = Parse(Encoding.UTF8.GetString(ManifestFile.Format(written)));

            Assert.Equivalent(written, read, strict: true);
            Assert.Equal(written.Disks[0].Image!.Changes, read.Disks[0].Image!.Changes);
        }
    }

    [Theory]
    [InlineData("\"image\": \"rbd/vm\"")]
    [InlineData("\"base_backup\": \"20261101T020000Z\"")]
    [InlineData("\"changes\": [[0,4096,1]]")]
    public void The_file_is_readable_JSON(string line) => Assert.Contains(line, Text, StringComparison.Ordinal);

    [Theory]
    [InlineData("\"image\": \"rbd/vm\"", "\"image\": \"rbd/vm@snap\"", "RBD image")]
    [InlineData("\"image\": \"rbd/vm\"", "\"image\": \"-c/vm\"", "RBD image")]
    [InlineData(
        "\"base_backup\": \"20261101T020000Z\"", "\"base_backup\": \"20261102T020000Z\"", "does not fit its kind")]
    [InlineData(
        "\"base_backup\": \"20261101T020000Z\"", "\"base_backup\": \"20261103T020000Z\"", "does not fit its kind")]
    [InlineData("\"base_backup\": \"20261101T020000Z\"", "\"base_backup\": null", "does not fit its kind")]
    [InlineData("\"format\": \"rbddiff\"", "\"format\": \"raw\"", "does not fit its kind")]
    [InlineData("\"image_id\": \"10175c39eba7\"", "\"image_id\": \"\"", "does not fit its kind")]
    [InlineData("[[0,4096,1]]", "[[0,4096,2]]", "expected changes")]
    [InlineData("[[0,4096,1]]", "[[0,4096]]", "expected changes")]
    [InlineData("[[0,4096,1]]", "[[0,4096,1],[4095,1,0]]", "the changes of disk vdb")]
    [InlineData("[[0,4096,1]]", "[[1048576,1,1]]", "the changes of disk vdb")]
    [InlineData("[[0,4096,1]]", "[[9223372036854775807,9223372036854775807,1]]", "the changes of disk vdb")]
    [InlineData("[[0,4096,1]]", "[[0,0,1]]", "the changes of disk vdb")]
    public void An_impossible_value_is_damage(string good, string bad, string message)
    {
        string text = Text;
        Assert.Contains(good, text, StringComparison.Ordinal);

        StorageException failure = Assert.Throws<StorageException>(
            () => Parse(text.Replace(good, bad, StringComparison.Ordinal)));

        Assert.Equal(ExitCode.DamageFound, failure.ExitCode);
        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
    }

    private static Manifest Parse(string text) => ManifestFile.Parse(Encoding.UTF8.GetBytes(text), "manifest.json");

    private static Manifest Sample(CompletedBackup backup)
    {
        ManifestLayer layer = backup.Manifest.Disks[0].Layers[0];
        return backup.Manifest with
        {
            Members = [new ArchiveMember(
                $"web1/{layer.FileName}", layer.SizeBytes, 0, 512, [new Extent(0, 4096)], ManifestSamples.Sum('d'))],
        };
    }
}
