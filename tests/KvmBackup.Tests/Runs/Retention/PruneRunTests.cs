using KvmBackup.Archiving;
using KvmBackup.Configuration;
using KvmBackup.Planning;
using KvmBackup.Runs.Archives;
using KvmBackup.Runs.Capture;
using KvmBackup.Runs.Inspect;
using KvmBackup.Runs.Retention;
using KvmBackup.Storage;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Runs.Retention;

public sealed class PruneRunTests : IDisposable
{
    private static readonly BackupId Future = new(new DateTimeOffset(2038, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly TemporaryFolder folder = new();
    private readonly AcceleratedTime time = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_backup_from_the_future_is_kept_and_removes_no_other()
    {
        await PublishAsync(BackupSamples.IdOfDay(18), BackupSamples.IdOfDay(19), BackupSamples.IdOfDay(20), Future);

        PruneReport report = await PruneAsync();

        Assert.Equal(ExitCode.Done, report.ExitCode);
        Assert.Equal([Future, BackupSamples.IdOfDay(20), BackupSamples.IdOfDay(19)], Backups());
        Assert.Contains("later: 20380101T000000Z", Assert.Single(report.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_clock_before_all_backups_removes_nothing_and_is_a_failure()
    {
        await PublishAsync(Future, new BackupId(Future.Instant.AddDays(1)), new BackupId(Future.Instant.AddDays(2)));

        PruneReport report = await PruneAsync();

        Assert.Equal(ExitCode.Failed, report.ExitCode);
        Assert.Equal(3, Backups().Length);
        Assert.Contains("3 of 3 backup(s) are later", Assert.Single(report.Failures), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("web1.tar.gz", 3, "is damaged and cannot be restored completely: its archive")]
    [InlineData("web1.tar.gz", null, "its archive 'web1.tar.gz' is missing")]
    [InlineData("manifest.json", 100, "is damaged and cannot be restored completely: The manifest")]
    [InlineData("manifest.json", null, "There is no manifest")]
    [InlineData("index.bin", null, "its index 'index.bin' is missing. It can still be restored")]
    [InlineData("index.bin", 0, "its index 'index.bin' is empty")]
    [InlineData("SHA256SUMS", null, "its SHA256SUMS is missing")]
    [InlineData("SHA256SUMS", 0, "its SHA256SUMS is empty")]
    public async Task Prune_and_list_report_a_wrong_size_and_a_missing_file(string file, int? bytes, string expected)
    {
        await PublishAsync(BackupSamples.IdOfDay(19), BackupSamples.IdOfDay(20));
        string path =
            Path.Combine(
                Target.ForDomain(new DomainName("web1")).PathOf(BackupSamples.IdOfDay(20), BackupKind.Full), file);
        byte[] content = File.ReadAllBytes(path);
        File.Delete(path);
        if (bytes is { } length)
        {
            File.WriteAllBytes(path, content[..length]);
        }

        PruneReport prune = await PruneAsync();
        ListReport list = new ListRun(Target).Run(null);

        Assert.Equal([ExitCode.DamageFound, ExitCode.DamageFound], [prune.ExitCode, list.ExitCode]);
        Assert.Contains(expected, Assert.Single(prune.Damages), StringComparison.Ordinal);
        Assert.Equal(prune.Damages, list.Damages);
        Assert.StartsWith("web1/20261120T020000Z-full is damaged", list.Damages[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public async Task A_share_that_is_not_mounted_is_not_taken_for_an_empty_backup_directory(bool isMounted)
    {
        await PublishAsync(BackupSamples.IdOfDay(18), BackupSamples.IdOfDay(19), BackupSamples.IdOfDay(20));
        TargetGuard guard = new(folder.PathOf("state"), (facts, known) => TargetPlanner.Decide(
            MountRequirement.Auto, facts with { DeclaredMountPoint = null }, known));
        _ = new BackupDirectory(folder.PathOf("backups"), time) { Guard = guard }.EnsureUsable();
        if (isMounted)
        {
            Assert.Equal(ExitCode.Done, (await PruneAsync(guard)).ExitCode);
            Assert.Equal(2, Backups().Length);
            return;
        }

        File.Delete(folder.PathOf("backups", TargetGuard.MarkerName));
        StorageException failure = await Assert.ThrowsAsync<StorageException>(() => PruneAsync(guard));

        Assert.Equal(ExitCode.Failed, failure.ExitCode);
        Assert.StartsWith("Nothing was removed: the backup directory", failure.Message, StringComparison.Ordinal);
        Assert.Contains("but not its marker file", failure.Message, StringComparison.Ordinal);
        Assert.Equal(3, Backups().Length);
    }

    private BackupDirectory Target => new(folder.PathOf("backups"), time);

    private BackupId[] Backups() =>
        [.. Target.ForDomain(new DomainName("web1")).List().Backups.Select(backup => backup.Id)];

    [Theory]
    [InlineData("domains: {\"web*\": {}}", null, 2)]
    [InlineData("domains: {\"db*\": {}}", null, 3)]
    [InlineData("domains: {\"*\": {exclude: web1}}", null, 3)]
    [InlineData("domains_by_group: {gold: {}}", "gold", 2)]
    [InlineData("domains_by_group: {gold: {}}", "silver", 3)]
    public async Task The_rule_of_a_guest_is_found_by_its_name_or_by_its_newest_backup(
        string rule, string? group, int kept)
    {
        await PublishAsync(group, BackupSamples.IdOfDay(18), BackupSamples.IdOfDay(19), BackupSamples.IdOfDay(20));

        PruneReport report = await PruneAsync(selection: rule);

        string[] notes =
            kept == 2 ? [] : ["web1: not in the configuration; its backups stay until you delete them"];
        Assert.Equal(kept, Backups().Length);
        Assert.Equal(notes, report.Notes);
    }

    private Task PublishAsync(params BackupId[] ids) => PublishAsync(group: null, ids);

    private async Task PublishAsync(string? group, params BackupId[] ids)
    {
        Target.EnsureUsable();
        DomainDirectory domain = Target.ForDomain(new DomainName("web1"));
        using DomainLock held = await domain.LockAsync(TimeSpan.Zero, CancellationToken.None);
        foreach (BackupId id in ids)
        {
            _ = await BackupSamples.PublishAsync(domain, held, id: id, group: group);
        }
    }

    private Task<PruneReport> PruneAsync(
        TargetGuard? guard = null, string selection = "domains: {web1: {}}")
    {
        HostSettings settings = ConfigurationReader.Parse(
            $"cloud1: {{backupdir: /mnt, day_of_week: daily, rotate: 2, {selection}}}", "config.yml", "cloud1");
        BackupVerifier verifier = new(Logger.None);
        RetentionRunner retainer = new(Logger.None);
        Merger merger = new(
            new Archiver(new RecordedShell(folder.DirectoryPath)), verifier, retainer,
            new FaultInjection(null, () => { }, Logger.None), Target, time,
            Logger.None);
        BackupDirectory target = new(folder.PathOf("backups"), time) { Guard = guard };
        return new PruneRun(settings, target, merger, TimeSpan.Zero, time, Logger.None).RunAsync(
            isDryRun: false, CancellationToken.None);
    }
}
