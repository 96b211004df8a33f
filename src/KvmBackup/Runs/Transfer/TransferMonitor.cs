namespace KvmBackup.Runs.Transfer;

/// <summary>Adds up the bytes of one file after another into the progress of a whole job.</summary>
public sealed class TransferMonitor(DomainName domain, long totalBytes, IProgress<TransferProgress>? progress)
{
    private long finishedBytes;
    private long currentBytes;
    private Func<bool>? isWaiting;

    /// <summary>How fast sources may be read; null is as fast as they are.</summary>
    public RateLimiter? RateLimiter { get; init; }

    /// <summary>What it means when nothing moves, the beginning of a sentence.</summary>
    public string Stall { get; init; } = "the target took no data";

    /// <summary>Bytes up to now.</summary>
    public long DoneBytes => Interlocked.Read(ref finishedBytes) + Interlocked.Read(ref currentBytes);

    /// <summary>Nothing moves now because the source of the data, or the pace, lets wait, and not what takes them.</summary>
    public bool IsWaiting => RateLimiter is { IsWaiting: true } || (Volatile.Read(ref isWaiting)?.Invoke() ?? false);

    /// <summary>A source at the pace that is wanted.</summary>
    public IExtentSource Paced(IExtentSource source) => RateLimiter is null ? source : new RateLimitedSource(source, RateLimiter);

    /// <summary>From now on the source says whether it is what lets wait; until the scope ends.</summary>
    public IDisposable Watch(Func<bool> isSourceWaiting)
    {
        Volatile.Write(ref isWaiting, isSourceWaiting);
        return new Watched(this);
    }

    /// <summary>The source is asked something long, and keeps its own limits.</summary>
    public async Task<TResult> WaitAsync<TResult>(Task<TResult> asked)
    {
        using IDisposable asking = Watch(() => true);
        return await asked;
    }

    /// <summary>Begins the next file.</summary>
    /// <returns>Takes the bytes of this file up to now.</returns>
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

    private sealed class Watched(TransferMonitor monitor) : IDisposable
    {
        public void Dispose() => Volatile.Write(ref monitor.isWaiting, null);
    }

    private sealed class Step(TransferMonitor monitor, string name) : IProgress<long>
    {
        public void Report(long value) => monitor.Report(name, value);
    }
}
