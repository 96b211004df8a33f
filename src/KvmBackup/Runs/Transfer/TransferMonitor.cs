namespace KvmBackup.Runs.Transfer;

/// <summary>Adds up the bytes of several files to the progress of a job.</summary>
public sealed class TransferMonitor(DomainName domain, long totalBytes, IProgress<TransferProgress>? progress)
{
    private long finishedBytes;
    private long currentBytes;
    private Func<bool>? isWaiting;

    /// <summary>The limiter for reads of the sources; null for no limit.</summary>
    public RateLimiter? RateLimiter { get; init; }

    /// <summary>The description of a stall, as the beginning of a sentence.</summary>
    public string Stall { get; init; } = "the target took no data";

    /// <summary>The number of bytes up to now.</summary>
    public long DoneBytes => Interlocked.Read(ref finishedBytes) + Interlocked.Read(ref currentBytes);

    /// <summary>Whether the transfer currently waits for the source or the limiter, and not for the target.</summary>
    public bool IsWaiting => RateLimiter is { IsWaiting: true } || (Volatile.Read(ref isWaiting)?.Invoke() ?? false);

    /// <summary>Applies the limiter to a source.</summary>
    public IExtentSource Limit(IExtentSource source) =>
        RateLimiter is null ? source : new RateLimitedSource(source, RateLimiter);

    /// <summary>Until the scope ends, the source reports whether the transfer waits for it.</summary>
    public IDisposable Watch(Func<bool> isSourceWaiting)
    {
        Volatile.Write(ref isWaiting, isSourceWaiting);
        return new WatchScope(this);
    }

    /// <summary>Waits for a long request to the source, which has its own time limit.</summary>
    public async Task<TResult> WaitAsync<TResult>(Task<TResult> request)
    {
        using IDisposable waiting = Watch(() => true);
        return await request;
    }

    /// <summary>Begins the next file.</summary>
    /// <returns>Receives the number of bytes of this file up to now.</returns>
    public IProgress<long> Begin(string step)
    {
        _ = Interlocked.Add(ref finishedBytes, Interlocked.Exchange(ref currentBytes, 0));
        return new Step(this, step);
    }

    private void Report(string step, long bytes)
    {
        _ = Interlocked.Exchange(ref currentBytes, bytes);
        long done = DoneBytes;
        progress?.Report(new TransferProgress(domain, step, done, Math.Max(totalBytes, done)));
    }

    private sealed class WatchScope(TransferMonitor monitor) : IDisposable
    {
        public void Dispose() => Volatile.Write(ref monitor.isWaiting, null);
    }

    private sealed class Step(TransferMonitor monitor, string name) : IProgress<long>
    {
        public void Report(long value) => monitor.Report(name, value);
    }
}
