using KvmBackup.Archiving;
using KvmBackup.Ceph;
using KvmBackup.Configuration;
using KvmBackup.Runs.Clusters;
using KvmBackup.Runs.Guests;
using KvmBackup.Runs.Images;
using KvmBackup.Runs.Inspect;
using KvmBackup.Storage;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Runs.Inspect;

public sealed class CheckRunTests : IDisposable
{
    private readonly Web1Host host = new();
    private readonly TemporaryFolder target = new();

    public CheckRunTests() => host.Shell
        .Now("images/version", "host/version", "running/list", "agent/thawed")
        .On("-f qcow2", Reply.Good(Info(host.Vda))).On("-f raw", Reply.Good(Info(host.Vdb)));

    public void Dispose()
    {
        host.Dispose();
        target.Dispose();
    }

    [Fact]
    public async Task A_correct_host_has_only_good_findings()
    {
        CheckReport report = await RunAsync();

        Assert.All(report.Findings, finding => Assert.Equal(FindingSeverity.Good, finding.Severity));
        Assert.Equal(
            ["configuration", "disk images", "libvirt", "target", "statedir", "compression none", "domain web1"],
            report.Findings.Select(finding => finding.Subject));
    }

    public static TheoryData<Exception> Failures => new()
    {
        new IOException("disk on fire"), new UnauthorizedAccessException("keep out"),
        new InvalidOperationException("no such element"),
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_program_that_the_system_refuses_to_start_is_a_finding(Exception failure)
    {
        host.Shell.On("qemu-img --version", Reply.Thrown(failure));

        await AssertBadAsync("disk images", failure.Message);
    }

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_domain_that_cannot_be_inspected_is_a_finding(Exception failure)
    {
        host.Shell.On("snapshot-list", Reply.Thrown(failure));

        await AssertBadAsync("domain web1", failure.Message);
    }

    [Fact]
    public async Task A_domain_that_does_not_exist_is_a_finding()
    {
        host.Shell.On("list --all", Reply.Good($"{Guid.Empty} other\n"), Reply.Good($"{Guid.Empty} other\n"));

        await AssertBadAsync("domain web1", "libvirt has no such domain");
    }

    [Fact]
    public async Task Guests_in_no_rule_and_patterns_without_a_guest_are_warnings()
    {
        Reply list = Reply.Good($"{Web1.Uuid} web1\n{Guid.Empty} test-1\n{Guid.Empty} b\n{Guid.Empty} c\n");
        host.Shell.On("list --all --uuid --name", list, list);

        CheckReport report = await RunAsync(rules: "domains: {\"test*\": {exclude: test-1}, \"mail*\": {}}");

        Assert.Equal(ExitCode.Done, report.ExitCode);
        Assert.Equal("1 domain(s), 2 rule(s) for other domains for host cloud1", report.Findings[0].Text);
        Finding[] warnings = [.. report.Findings.Where(finding => finding.Severity == FindingSeverity.Warning)];
        Assert.Equal(
            ["domains: \"mail*\" matches no guest of this host", "2 guests are in no rule: b, c"],
            warnings.Select(finding => finding.Text));
        Assert.Contains("a pattern such as \"*\"", warnings[1].Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_agent_that_does_not_answer_is_a_warning()
    {
        host.Shell.On("guest-fsfreeze-status", Reply.Of("agent/not-connected"));

        CheckReport report = await RunAsync();

        Assert.Contains("cannot be frozen", report.Findings
            .Single(finding => finding.Severity == FindingSeverity.Warning).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_truncated_backup_is_a_finding_with_its_own_exit_code()
    {
        DomainDirectory web1 = new BackupDirectory(target.DirectoryPath, host.Time).ForDomain(Web1.Settings.Name);
        using (DomainLock held = await web1.LockAsync(TimeSpan.Zero, CancellationToken.None))
        {
            CompletedBackup backup = await BackupSamples.PublishAsync(web1, held);
            File.WriteAllText(Path.Combine(backup.DirectoryPath, "web1.tar.gz"), "a");
        }

        CheckReport report = await RunAsync();

        Assert.Equal(ExitCode.DamageFound, report.ExitCode);
        Assert.Equal("backups of web1",
            Assert.Single(report.Findings, finding => finding.Severity == FindingSeverity.Bad).Subject);
    }

    [Fact]
    public async Task A_state_directory_that_cannot_be_created_is_a_finding_and_the_target_is_unchanged()
    {
        File.WriteAllText(host.PathOf("state"), "x");

        await AssertBadAsync("statedir", "cannot be created");

        Assert.Empty(Directory.GetFileSystemEntries(target.DirectoryPath));
    }

    [Fact]
    public async Task A_missing_backup_directory_with_a_writable_parent_is_a_good_finding()
    {
        CheckReport report = await RunAsync(target.PathOf("guests"));

        Assert.DoesNotContain(report.Findings, finding => finding.Severity == FindingSeverity.Bad);
        Assert.Empty(Directory.GetFileSystemEntries(target.DirectoryPath));
    }

    private static string Info(PlannedOverlay disk) =>
        $$"""[{"filename":"{{disk.BasePath}}","format":"{{disk.BaseFormat}}","virtual-size":1048576}]""";

    private async Task AssertBadAsync(string subject, string text)
    {
        CheckReport report = await RunAsync();

        Finding bad = Assert.Single(report.Findings, finding => finding.Severity == FindingSeverity.Bad);
        Assert.Equal(subject, bad.Subject);
        Assert.Contains(text, bad.Text, StringComparison.Ordinal);
    }

    private Task<CheckReport> RunAsync(string? path = null, string rules = "domains: {web1: {}}")
    {
        BackupDirectory directory = new(path ?? target.DirectoryPath, host.Time);
        HostSettings settings = new("cloud1", directory.DirectoryPath, host.PathOf("state"), [Web1.Settings])
        {
            Rules = ConfigurationReader.Parse(
                $"cloud1: {{backupdir: /mnt, day_of_week: daily, rotate: 1, compression: none, {rules}}}", "config.yml",
                "cloud1").Rules,
        };
        GuestCheck guests = new(host.Libvirt, host.Agent, host.Images, host.Preflight, directory, host.Time);
        ImageCheck images = new(
            new RbdPool(host.Shell), new ImageInspection(new ImagePreflight(host.Access, host.Cluster), host.Time),
            directory, host.Time);
        return new CheckRun(
            settings, host.Libvirt, new Archiver(host.Shell), directory,
            new DomainInventory(host.Libvirt, new MappedImages(), Logger.None), guests, images, host.Time)
            .RunAsync(CancellationToken.None);
    }
}
