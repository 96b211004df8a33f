namespace KvmBackup.Runs.Transfer;

/// <summary>
/// Lets so many bytes pass in a second: each read waits until it is paid for. What was not used for a while is not saved up
/// beyond <see cref="Burst"/>.
/// </summary>
public sealed class RateLimiter(long bytesPerSecond, TimeProvider time)
{
    /// <summary>Evens out what timers and other work of the host make late.</summary>
    private static readonly TimeSpan Burst = TimeSpan.FromMilliseconds(250);

    private readonly Lock gate = new();
    private readonly long start = time.GetTimestamp();
    private TimeSpan paidUntil;
    private int waiting;

    /// <summary>Somebody waits for the pace just now, and for nothing else.</summary>
    public bool IsWaiting => Volatile.Read(ref waiting) > 0;

    /// <returns>Null when there is no limit.</returns>
    public static RateLimiter? Of(ResourceLimits limits, TimeProvider time) =>
        limits.BytesPerSecond is > 0 and { } rate ? new RateLimiter(rate, time) : null;

    /// <summary>Returns when so much may be read.</summary>
    public async ValueTask TakeAsync(int bytes, CancellationToken cancellationToken)
    {
        TimeSpan wait = Book(bytes);
        if (wait <= TimeSpan.Zero)
        {
            return;
        }

        _ = Interlocked.Increment(ref waiting);
        try
        {
            await Task.Delay(wait, time, cancellationToken);
        }
        finally
        {
            _ = Interlocked.Decrement(ref waiting);
        }
    }

    private TimeSpan Book(int bytes)
    {
        lock (gate)
        {
            TimeSpan now = time.GetElapsedTime(start);
            TimeSpan begin = paidUntil > now - Burst ? paidUntil : now - Burst;
            paidUntil = begin + TimeSpan.FromSeconds((double)bytes / bytesPerSecond);
            return paidUntil - now;
        }
    }
}

/// <summary>A source that is read no faster than a pace lets it.</summary>
public sealed class RateLimitedSource(IExtentSource source, RateLimiter pace) : IExtentSource
{
    public long SizeBytes => source.SizeBytes;

    public IReadOnlyList<Extent> Extents => source.Extents;

    public async ValueTask ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        await pace.TakeAsync(buffer.Length, cancellationToken);
        await source.ReadAsync(offsetBytes, buffer, cancellationToken);
    }
}
