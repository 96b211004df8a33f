using System.Diagnostics;
using KvmBackup.Storage;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Storage;

public sealed class LockTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly DomainDirectory domain;

    public LockTests()
    {
        BackupDirectory root = new(folder.PathOf("backup"), TimeProvider.System);
        root.EnsureUsable();
        domain = root.ForDomain(new DomainName("web1"));
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_second_holder_gets_the_name_of_the_first()
    {
        using DomainLock held = await domain.LockAsync(TimeSpan.Zero, CancellationToken.None);
        StorageException failure = await Assert.ThrowsAsync<StorageException>(
            () => domain.LockAsync(TimeSpan.Zero, CancellationToken.None));
        Assert.Equal(ExitCode.AlreadyRunning, failure.ExitCode);
        Assert.Contains($"process {Environment.ProcessId} on {Environment.MachineName} since 2", failure.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_program_sees_the_lock_and_its_release()
    {
        DomainLock held = await domain.LockAsync(TimeSpan.Zero, CancellationToken.None);
        string file = Path.Combine(domain.DirectoryPath, ".lock");
        Assert.False(Flock.IsFree(file));
        held.Dispose();
        held.Dispose();
        Assert.True(Flock.IsFree(file));
    }

    [Fact]
    public async Task A_lock_of_another_program_is_waited_for_up_to_the_limit()
    {
        (await domain.LockAsync(TimeSpan.Zero, CancellationToken.None)).Dispose();
        Flock other = new(Path.Combine(domain.DirectoryPath, ".lock"));
        long start = Stopwatch.GetTimestamp();
        StorageException failure = await Assert.ThrowsAsync<StorageException>(
            () => domain.LockAsync(TimeSpan.FromMilliseconds(300), CancellationToken.None));
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalMilliseconds, 290, 5000);
        Assert.Equal(ExitCode.AlreadyRunning, failure.ExitCode);

        Task<DomainLock> waiting = domain.LockAsync(TimeSpan.FromMinutes(1), CancellationToken.None);
        Assert.False(waiting.IsCompleted);
        other.Dispose();
        (await waiting).Dispose();
    }

    [Fact]
    public async Task Waiting_for_a_lock_can_be_cancelled()
    {
        using DomainLock held = await domain.LockAsync(TimeSpan.Zero, CancellationToken.None);
        using CancellationTokenSource source = new(TimeSpan.FromMilliseconds(50));
        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => domain.LockAsync(TimeSpan.FromMinutes(1), source.Token));
    }

    [Fact]
    public async Task A_program_started_while_the_lock_is_held_does_not_inherit_it()
    {
        using DomainLock held = await domain.LockAsync(TimeSpan.Zero, CancellationToken.None);
        ProcessStartInfo start = new("sh", ["-c", "ls -l /proc/$$/fd"]) { RedirectStandardOutput = true };
        using Process child = Process.Start(start)!;
        string open = await child.StandardOutput.ReadToEndAsync();
        await child.WaitForExitAsync();
        Assert.Contains("pipe:", open, StringComparison.Ordinal);
        Assert.DoesNotContain(".lock", open, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_run_holds_the_host_lock_at_a_time()
    {
        string state = folder.PathOf("state", "kvmbackup");
        using (await RunLock.AcquireAsync(state, TimeSpan.Zero, TimeProvider.System, CancellationToken.None))
        {
            StorageException failure = await Assert.ThrowsAsync<StorageException>(
                () => RunLock.AcquireAsync(state, TimeSpan.Zero, TimeProvider.System, CancellationToken.None));
            Assert.Equal(ExitCode.AlreadyRunning, failure.ExitCode);
        }

        (await RunLock.AcquireAsync(state, TimeSpan.Zero, TimeProvider.System, CancellationToken.None)).Dispose();
    }
}
