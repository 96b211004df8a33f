using KvmBackup.Persisting;
using KvmBackup.Storage;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Storage;

/// <summary>Two hosts that share a target: the other host is simulated by its lease file.</summary>
public sealed class LeaseTests : IDisposable
{
    private static readonly HostIdentity ThisBoot = new("5c5ca4a8-0000-4000-8000-000000000002", "a machine");
    private static readonly HostIdentity FormerBoot = ThisBoot with { BootId = "2b2ba4a8-0000-4000-8000-000000000001" };

    private const string OtherHost = "0d1cf2c5-0000-4000-8000-000000000000 abc\nprocess 7 on cloud2\n";

    private readonly TemporaryFolder folder = new();
    private readonly DomainDirectory domain;

    public LeaseTests()
    {
        BackupDirectory root = new(folder.PathOf("backup"), TimeProvider.System);
        root.EnsureUsable();
        domain = root.ForDomain(new DomainName("web1"));
        Directory.CreateDirectory(domain.DirectoryPath);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_domain_leased_by_another_host_is_refused_with_the_name_of_the_host()
    {
        File.WriteAllText(Lease, OtherHost);

        StorageException failure = await Assert.ThrowsAsync<StorageException>(LockAsync);

        Assert.Equal(ExitCode.AlreadyRunning, failure.ExitCode);
        Assert.Contains("process 7 on cloud2", failure.Message, StringComparison.Ordinal);
        Assert.Equal(OtherHost, File.ReadAllText(Lease));
    }

    [Fact]
    public async Task The_lease_of_a_dead_host_expires_by_its_age()
    {
        File.WriteAllText(Lease, OtherHost);
        File.SetLastWriteTimeUtc(Lease, DateTime.UtcNow - TimeSpan.FromMinutes(4));

        using DomainLock held = await LockAsync();

        Assert.NotEqual(OtherHost, File.ReadAllText(Lease));
        Assert.Equal([".lease", ".lock"], Directory.GetFiles(domain.DirectoryPath).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task The_lease_of_a_killed_run_of_this_host_is_taken_at_once()
    {
        string bootId = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
        File.WriteAllText(Lease, $"{bootId} abc\nprocess 7 on {Environment.MachineName}\n");

        (await LockAsync()).Dispose();

        Assert.False(File.Exists(Lease));
    }

    [Fact]
    public async Task The_lease_of_a_run_that_ended_by_a_power_cut_is_taken_after_the_boot_of_its_host()
    {
        await LeaveLeaseOfAsync(FormerBoot);

        (await LockAsync(ThisBoot)).Dispose();

        Assert.False(File.Exists(Lease));
    }

    [Theory]
    [InlineData("another machine")]
    [InlineData(null)]
    public async Task The_lease_of_a_host_of_the_same_name_is_not_taken(string? machine)
    {
        string left = await LeaveLeaseOfAsync(FormerBoot with { Machine = machine });

        StorageException failure = await Assert.ThrowsAsync<StorageException>(() => LockAsync(ThisBoot));

        Assert.Equal(ExitCode.AlreadyRunning, failure.ExitCode);
        Assert.Contains($"on {Environment.MachineName},", failure.Message, StringComparison.Ordinal);
        Assert.Equal(left, File.ReadAllText(Lease));
    }

    [Fact]
    public async Task A_host_without_an_identity_does_not_take_a_lease_of_another_boot()
    {
        string left = await LeaveLeaseOfAsync(FormerBoot with { Machine = null });

        _ = await Assert.ThrowsAsync<StorageException>(() => LockAsync(ThisBoot with { Machine = null }));

        Assert.Equal(left, File.ReadAllText(Lease));
    }

    [Fact]
    public async Task A_lease_with_a_truncated_identity_is_not_taken()
    {
        string left = (await LeaveLeaseOfAsync(FormerBoot))[..^1];
        File.WriteAllText(Lease, left);

        _ = await Assert.ThrowsAsync<StorageException>(() => LockAsync(ThisBoot));

        Assert.Equal(left, File.ReadAllText(Lease));
    }

    [Fact]
    public async Task The_lease_of_an_earlier_version_is_not_taken_after_a_boot()
    {
        string left = string.Join('\n', (await LeaveLeaseOfAsync(FormerBoot)).Split('\n')[..2]) + "\n";
        File.WriteAllText(Lease, left);

        _ = await Assert.ThrowsAsync<StorageException>(() => LockAsync(ThisBoot));

        Assert.Equal(left, File.ReadAllText(Lease));
    }

    [Fact]
    public async Task An_earlier_version_can_read_the_boot_and_the_holder_of_a_lease()
    {
        string[] lines = (await LeaveLeaseOfAsync(FormerBoot)).Split('\n');

        Assert.StartsWith(FormerBoot.BootId + " ", lines[0], StringComparison.Ordinal);
        Assert.Equal($"process {Environment.ProcessId} on {Environment.MachineName}", lines[1]);
    }

    [Fact]
    public async Task A_host_that_lost_its_lease_neither_publishes_nor_removes()
    {
        using DomainLock held = await LockAsync();
        CompletedBackup old = await BackupSamples.PublishAsync(domain, held, id: BackupSamples.IdOfDay(1));
        CompletedBackup newer = await BackupSamples.PublishAsync(domain, held, id: BackupSamples.IdOfDay(2));
        File.WriteAllText(Lease, OtherHost);

        _ = await Assert.ThrowsAsync<StorageException>(
            () => BackupSamples.PublishAsync(domain, held, id: BackupSamples.IdOfDay(3)));
        _ = Assert.Throws<StorageException>(() => domain.Remove(old, newer, held));

        Assert.Equal(2, domain.List().Backups.Count);
    }

    [Fact]
    public async Task The_lease_of_another_host_outlives_the_end_of_ours()
    {
        DomainLock held = await LockAsync();
        File.WriteAllText(Lease, OtherHost);

        held.Dispose();

        Assert.Equal(OtherHost, File.ReadAllText(Lease));
    }

    [Fact]
    public async Task A_lease_from_the_future_expires_when_its_holder_does_not_renew_it()
    {
        File.WriteAllText(Lease, OtherHost);
        File.SetLastWriteTimeUtc(Lease, DateTime.UtcNow + TimeSpan.FromDays(4000));
        AcceleratedTime time = new();

        using DomainLock held = await LockAsync(time);

        Assert.NotEqual(OtherHost, File.ReadAllText(Lease));
        Assert.True(time.Elapsed >= TimeSpan.FromSeconds(90));
    }

    [Fact]
    public async Task A_lease_from_the_future_with_a_live_holder_is_not_taken()
    {
        File.WriteAllText(Lease, OtherHost);
        DateTime future = DateTime.UtcNow + TimeSpan.FromDays(4000);
        File.SetLastWriteTimeUtc(Lease, future);
        int renewals = 0;
        WatchedTime time = new(elapsed =>
        {
            // Its clock is wrong for another hour; then it is corrected.
            if (elapsed > renewals * TimeSpan.FromSeconds(30))
            {
                renewals++;
                File.SetLastWriteTimeUtc(
                    Lease, renewals < 120 ? future + (renewals * TimeSpan.FromSeconds(30)) : DateTime.UtcNow);
            }
        });

        StorageException failure = await Assert.ThrowsAsync<StorageException>(() => LockAsync(time));

        Assert.Equal(ExitCode.AlreadyRunning, failure.ExitCode);
        Assert.Equal(OtherHost, File.ReadAllText(Lease));
        Assert.Equal(120, renewals);
    }

    private string Lease => Path.Combine(domain.DirectoryPath, ".lease");

    private Task<DomainLock> LockAsync() => domain.LockAsync(TimeSpan.Zero, CancellationToken.None);

    private Task<DomainLock> LockAsync(TimeProvider time) => new BackupDirectory(folder.PathOf("backup"), time)
        .ForDomain(new DomainName("web1")).LockAsync(TimeSpan.Zero, CancellationToken.None);

    private Task<DomainLock> LockAsync(HostIdentity host) =>
        new BackupDirectory(folder.PathOf("backup"), TimeProvider.System) { Host = host }
            .ForDomain(new DomainName("web1")).LockAsync(TimeSpan.Zero, CancellationToken.None);

    /// <summary>Leaves the lease of a run of that host, as after a power cut.</summary>
    /// <returns>The content of the lease.</returns>
    private async Task<string> LeaveLeaseOfAsync(HostIdentity host)
    {
        string content;
        using (await LockAsync(host))
        {
            content = await File.ReadAllTextAsync(Lease);
        }

        await File.WriteAllTextAsync(Lease, content);
        return content;
    }

    /// <summary>An accelerated clock that calls back after each step.</summary>
    private sealed class WatchedTime(Action<TimeSpan> onMove) : TimeProvider
    {
        private readonly AcceleratedTime time = new();

        public override long TimestampFrequency => time.TimestampFrequency;

        public override long GetTimestamp() => time.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            onMove(time.Elapsed + dueTime);
            return time.CreateTimer(callback, state, dueTime, period);
        }
    }
}
