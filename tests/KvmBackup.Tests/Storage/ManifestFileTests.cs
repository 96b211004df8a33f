using System.Text;
using KvmBackup.Storage;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Storage;

public sealed class ManifestFileTests
{
    private static readonly Manifest Sample = ManifestSamples.Create("büro 1") with
    {
        Snapshots = [new ManifestSnapshot("before upgrade", "domain.xml", true)],
    };

    private static string Text => Encoding.UTF8.GetString(ManifestFile.Format(Sample));

    [Fact]
    public void Every_field_is_read_back_as_written()
    {
        Manifest written = Sample;
        Manifest read = Parse(Text);
        Assert.Equivalent(written, read, strict: true);
        Assert.Equal(written.Members[1].Extents, read.Members[1].Extents);
        Assert.Equal(written.FrozenFor, read.FrozenFor);
        Assert.Equal(written.StartedAt.Ticks, read.StartedAt.Ticks);
        Assert.Equal(Text, Encoding.UTF8.GetString(ManifestFile.Format(read)));
    }

    [Fact]
    public void Every_enumeration_and_null_is_read_back_as_written()
    {
        foreach (BackupKind kind in Enum.GetValues<BackupKind>())
        {
            foreach (Consistency consistency in Enum.GetValues<Consistency>())
            {
                foreach (CompressionMethod method in Enum.GetValues<CompressionMethod>())
                {
                    Manifest sample = ManifestSamples.Create(kind: kind);
                    sample = sample with
                    {
                        Consistency = consistency,
                        ConsistencyReason = null,
                        FrozenFor = null,
                        Archive = sample.Archive with { Compression = method },
                    };
                    Assert.Equivalent(
                        sample, ManifestFile.Parse(ManifestFile.Format(sample), "manifest.json"), strict: true);
                }
            }
        }
    }

    [Fact]
    public void Title_and_group_are_read_back_and_are_optional()
    {
        Manifest labelled = ManifestSamples.Create() with { Title = "Web *", Group = "gold" };
        string text = Encoding.UTF8.GetString(ManifestFile.Format(labelled));
        Manifest older = Parse(text.Replace(",\n  \"title\": \"Web *\"", string.Empty, StringComparison.Ordinal)
            .Replace(",\n  \"group\": \"gold\"", string.Empty, StringComparison.Ordinal));

        Assert.Equal(("Web *", "gold"), (Parse(text).Title, Parse(text).Group));
        Assert.Equal((null, null), (older.Title, older.Group));
    }

    [Fact]
    public void Definitions_and_host_resources_are_read_back_and_are_optional()
    {
        Manifest written = ManifestSamples.Create() with
        {
            Definitions = [new SavedDefinition(RequirementKind.Nwfilter, "no *", "domain.xml")],
            HostResources = [new HostResource(RequirementKind.NetworkDevice, "eth1")],
        };
        string text = Encoding.UTF8.GetString(ManifestFile.Format(written));
        int start = text.IndexOf(",\n  \"definitions\"", StringComparison.Ordinal);
        int end = text.IndexOf(']', text.IndexOf("\"host_resources\"", StringComparison.Ordinal));

        Assert.Equivalent(written, Parse(text), strict: true);
        Assert.Contains("\"kind\": \"nwfilter\"", text, StringComparison.Ordinal);
        Assert.Contains("\"kind\": \"network_device\"", text, StringComparison.Ordinal);
        Manifest older = Parse(text[..start] + text[(end + 1)..]);
        Assert.Empty(older.Definitions);
        Assert.Empty(older.HostResources);
        Assert.Contains(
            "the definition 'other.xml' has no name or no member",
            Assert.Throws<StorageException>(() => ManifestFile.Format(written with
            {
                Definitions = [new SavedDefinition(RequirementKind.Pool, "a", "other.xml")],
            })).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_pool_of_a_volume_is_read_back_and_is_optional()
    {
        Manifest sample = ManifestSamples.Create();
        Manifest pooled = sample with { Disks = [sample.Disks[0] with { Pool = "p1" }] };
        string text = Encoding.UTF8.GetString(ManifestFile.Format(pooled));

        Assert.Equal(["p1"], Parse(text).FindPools());
        Assert.Empty(
            Parse(text.Replace(",\n      \"pool\": \"p1\"", string.Empty, StringComparison.Ordinal)).FindPools());
    }

    [Theory]
    [InlineData("\"frozen_for_seconds\": 0.0841234")]
    [InlineData("\"extents\": [[0,65536],[131072,4096]]")]
    [InlineData("\"domain\": \"büro 1\"")]
    [InlineData("\"id\": \"20261120T020000Z\"")]
    [InlineData("\"consistency\": \"crash\"")]
    [InlineData("\"target\": \"vda\"")]
    [InlineData("\"data_offset_bytes\": 2048")]
    public void The_file_is_readable_JSON(string line) => Assert.Contains(line, Text, StringComparison.Ordinal);

    [Fact]
    public void No_computed_property_is_written() =>
        Assert.DoesNotContain("data_bytes", Text, StringComparison.Ordinal);

    [Theory]
    [InlineData("\"format_version\": 2", "\"format_version\": 0", "format_version")]
    [InlineData("\"format_version\": 2", "\"format_version\": \"1\"", "format_version")]
    [InlineData("\"host\": \"cloud1\"", "\"host\": null", "host")]
    [InlineData("  \"host\": \"cloud1\",\n", "", "host")]
    [InlineData("\"host\": \"cloud1\"", "\"host\": \"cloud1\", \"host\": \"cloud2\"", "host")]
    [InlineData("\"host\": \"cloud1\"", "\"host\": \"cloud1\", \"guest\": 1", "guest")]
    [InlineData("\"kind\": \"full\"", "\"kind\": \"Full\"", "'Full' is not one of full, incremental, differential")]
    [InlineData("\"kind\": \"full\"", "\"kind\": 0", "expected a word")]
    [InlineData("\"id\": \"20261120T020000Z\"", "\"id\": \"20261120\"", "BackupId")]
    [InlineData("\"target\": \"vda\"", "\"target\": \"../vda\"", "disk target")]
    [InlineData("\"domain\": \"büro 1\"", "\"domain\": \"\"", "domain name")]
    [InlineData("\"domain\": \"büro 1\"", "\"domain\": \"\\ud800\"", "manifest")]
    [InlineData("\"file_name\": \"büro 1.tar.gz\"", "\"file_name\": \"../passwd\"", "names of archive and index")]
    [InlineData(
        "\"index_file_name\": \"index.bin\"", "\"index_file_name\": \"/etc/passwd\"", "names of archive and index")]
    [InlineData(
        "\"index_file_name\": \"index.bin\"", "\"index_file_name\": \"manifest.json\"", "names of archive and index")]
    [InlineData(
        "\"index_file_name\": \"index.bin\"", "\"index_file_name\": \"büro 1.tar.gz\"", "names of archive and index")]
    [InlineData("\"name\": \"büro 1/vda.qcow2\"", "\"name\": \"büro 1/../vda.qcow2\"", "name of a member")]
    [InlineData("\"name\": \"büro 1/vda.qcow2\"", "\"name\": \"/vda.qcow2\"", "name of a member")]
    [InlineData("\"name\": \"büro 1/vda.qcow2\"", "\"name\": \"büro 1/domain.xml\"", "has no member of its size")]
    [InlineData("\"file_name\": \"vda.qcow2\"", "\"file_name\": \"..\"", "invalid name")]
    [InlineData("\"member_name\": \"nvram.fd\"", "\"member_name\": \"a/b\"", "name of a file of the domain")]
    [InlineData("\"file_name\": \"domain.xml\"", "\"file_name\": \"gone.xml\"", "has no name or no member")]
    [InlineData("[131072,4096]", "[65535,4096]", "extents of member")]
    [InlineData("[131072,4096]", "[131072,-4096]", "extents of member")]
    [InlineData("[131072,4096]", "[9223372036854775807,9223372036854775807]", "extents of member")]
    [InlineData("[131072,4096]", "[131072,4096,1]", "expected extents")]
    [InlineData("[131072,4096]", "[131072]", "expected extents")]
    [InlineData("[131072,4096]", "null", "expected extents")]
    [InlineData("\"data_offset_bytes\": 2048", "\"data_offset_bytes\": 9223372036854775807", "extents of member")]
    [InlineData("\"frozen_for_seconds\": 0.0841234", "\"frozen_for_seconds\": -1", "frozen_for_seconds")]
    [InlineData("\"frozen_for_seconds\": 0.0841234", "\"frozen_for_seconds\": 1e27", "seconds")]
    [InlineData("\"the overlay grew", "null, \"the overlay grew", "empty entry")]
    [InlineData("aaaaaaaa\"", "aaaaaaaA\"", "sha256")]
    [InlineData("cccccccc\"", "cccccccC\"", "the checksum of member")]
    [InlineData("bbbbbbbb\"", "bbbbbbbbb\"", "checksum")]
    public void Content_that_this_program_would_not_write_is_damage(string from, string to, string reason)
    {
        Assert.Contains(from, Text, StringComparison.Ordinal);
        StorageException failure = Assert.Throws<StorageException>(
            () => Parse(Text.Replace(from, to, StringComparison.Ordinal)));
        Assert.Equal(ExitCode.DamageFound, failure.ExitCode);
        Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
        Assert.Contains("/backup/manifest.json", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(""), InlineData("null"), InlineData("[]"), InlineData("{}"), InlineData("\0\0\0\0"),
        InlineData("{\"format_version\": 2}")]
    public void Garbage_is_damage(string text) =>
        Assert.Equal(ExitCode.DamageFound, Assert.Throws<StorageException>(() => Parse(text)).ExitCode);

    [Fact]
    public void A_newer_format_requires_an_upgrade_regardless_of_other_content()
    {
        StorageException failure = Assert.Throws<StorageException>(
            () => Parse("{\"new_member\": {\"a\": [1]}, \"format_version\": 3, \"kind\": \"yearly\"}"));
        Assert.Contains(
            "newer kvmbackup (format 3); this one reads format 2: upgrade", failure.Message, StringComparison.Ordinal);
        Assert.True(failure.IsOtherFormat);
    }

    [Fact]
    public void An_older_format_is_refused_with_a_hint()
    {
        StorageException failure = Assert.Throws<StorageException>(() => Parse("{\"format_version\": 1}"));
        Assert.Contains("(format 1); this one reads format 2: unpack the archive with tar", failure.Message,
            StringComparison.Ordinal);
        Assert.True(failure.IsOtherFormat);
    }

    [Fact]
    public void A_manifest_that_could_not_be_read_back_is_not_written()
    {
        Manifest manifest = ManifestSamples.Create();
        manifest = manifest with { Archive = manifest.Archive with { FileName = "../x" } };
        _ = Assert.Throws<StorageException>(() => ManifestFile.Format(manifest));
    }

    [Fact]
    public void Mutated_bytes_are_a_manifest_or_an_expected_failure()
    {
        byte[] original = Encoding.UTF8.GetBytes(Text);
        Random random = new(20261120);
        int valid = 0;
        for (int round = 0; round < 10_000; round++)
        {
            byte[] mutated = Mutation.Apply(original, random);
            try
            {
                _ = ManifestFile.Format(ManifestFile.Parse(mutated, "manifest.json"));
                valid++;
            }
            catch (StorageException failure)
            {
                Assert.True(failure.ExitCode == ExitCode.DamageFound || failure.IsOtherFormat, failure.Message);
            }
        }

        // Changes of blanks and free texts are valid; some must pass, or the test would prove nothing.
        Assert.InRange(valid, 100, 9_000);
    }

    [Fact]
    public void A_hundred_thousand_extents_are_read_and_written_quickly()
    {
        Manifest manifest = ManifestSamples.Create();
        Extent[] extents = [.. Enumerable.Range(0, 100_000).Select(number => new Extent(number * 131072L, 65536))];
        manifest = manifest with
        {
            Archive = manifest.Archive with { TarBytes = 1L << 40 },
            Disks = [],
            Members = [new ArchiveMember("web1/vda.raw", 100_000 * 131072L, 0, 512, extents, ManifestSamples.Sum('d'))],
        };
        byte[] json = ManifestFile.Format(manifest);
        Assert.InRange(json.Length, 1, 2_500_000);
        Assert.Equal(extents, ManifestFile.Parse(json, "manifest.json").Members[0].Extents);
    }

    private static Manifest Parse(string text) =>
        ManifestFile.Parse(Encoding.UTF8.GetBytes(text), "/backup/manifest.json");
}
