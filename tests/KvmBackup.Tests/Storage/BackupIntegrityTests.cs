using System.Diagnostics;
using KvmBackup.Storage;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Storage;

public sealed class BackupIntegrityTests : IAsyncLifetime
{
    private readonly DomainFixture fixture = new();
    private CompletedBackup backup = null!;

    public async Task InitializeAsync()
    {
        await fixture.InitializeAsync();
        backup = await fixture.PublishAsync(20);
    }

    public Task DisposeAsync() => fixture.DisposeAsync();

    [Fact]
    public void The_checksum_program_of_every_distribution_agrees() => Assert.Equal(0, RunSha256Sum());

    [Fact]
    public void The_checksum_program_detects_damage_too()
    {
        File.AppendAllText(PathOf("index.bin"), "!");
        Assert.NotEqual(0, RunSha256Sum());
    }

    [Fact]
    public void A_name_with_shell_characters_is_one_line()
    {
        byte[] bytes = ChecksumFile.Format([new(" -x $(y) ω.tar.gz", ManifestSamples.Sha256('a'))]);
        ChecksumReading reading = ChecksumFile.Parse(bytes);
        Assert.Equal(ManifestSamples.Sha256('a'), reading.Sums[" -x $(y) ω.tar.gz"]);
        Assert.Empty(reading.Damages);
    }

    [Theory]
    [InlineData("index.bin"), InlineData("manifest.json")]
    public void A_flipped_bit_of_a_small_file_is_detected(string file) => FlipBits(file);

    [Fact]
    public void A_flipped_bit_of_the_checksum_file_is_detected() => FlipBits("SHA256SUMS");

    [Fact]
    public void Every_truncation_of_the_checksum_file_is_detected()
    {
        byte[] original = File.ReadAllBytes(PathOf("SHA256SUMS"));
        for (int length = 0; length < original.Length; length++)
        {
            File.WriteAllBytes(PathOf("SHA256SUMS"), original[..length]);
            Assert.NotEmpty(BackupIntegrity.VerifyFiles(backup));
        }
    }

    [Fact]
    public void A_damaged_line_is_reported_with_its_offset()
    {
        string[] lines = File.ReadAllLines(PathOf("SHA256SUMS"));
        lines[1] = "x" + lines[1];
        File.WriteAllLines(PathOf("SHA256SUMS"), lines);
        IReadOnlyList<ArchiveDamage> damages = BackupIntegrity.VerifyFiles(backup);
        Assert.Equal(("SHA256SUMS", lines[0].Length + 1L), (damages[0].File, damages[0].OffsetBytes));
        Assert.Contains("no line for 'index.bin'", damages[1].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_path_outside_the_backup_is_damage_and_is_not_read()
    {
        File.AppendAllText(PathOf("SHA256SUMS"), $"{ManifestSamples.Sha256('a')}  ../../../etc/passwd\n");
        ArchiveDamage damage = Assert.Single(BackupIntegrity.VerifyFiles(backup));
        Assert.Contains("not a file of this backup", damage.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("index.bin"), InlineData("SHA256SUMS"), InlineData("manifest.json")]
    public void A_missing_file_is_damage(string file)
    {
        File.Delete(PathOf(file));
        ArchiveDamage damage = Assert.Single(BackupIntegrity.VerifyFiles(backup));
        Assert.Equal((file, "it is missing"), (damage.File, damage.Reason));
    }

    private void FlipBits(string file)
    {
        byte[] original = File.ReadAllBytes(PathOf(file));
        // A prime step limits the time for a larger file and still covers every bit of a byte.
        int step = original.Length > 100 ? 7 : 1;
        for (int bit = 0; bit < original.Length * 8; bit += step)
        {
            byte[] damaged = [.. original];
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            File.WriteAllBytes(PathOf(file), damaged);
            Assert.True(BackupIntegrity.VerifyFiles(backup).Count > 0, $"bit {bit} of {file}");
        }

        File.WriteAllBytes(PathOf(file), original);
        Assert.Empty(BackupIntegrity.VerifyFiles(backup));
    }

    private int RunSha256Sum()
    {
        ProcessStartInfo start = new("sha256sum", ["--check", "--strict", "--quiet", "SHA256SUMS"])
        {
            WorkingDirectory = backup.DirectoryPath,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        process.WaitForExit();
        return process.ExitCode;
    }

    private string PathOf(string file) => Path.Combine(backup.DirectoryPath, file);
}
