namespace KvmBackup.Runs.Transfer;

/// <summary>
/// Limits reads to a number of bytes per second. Unused capacity is kept only for <see cref="Burst"/>.
/// </summary>
public sealed class RateLimiter(long bytesPerSecond, TimeProvider time)
{
    /// <summary>Compensates for late timers and other load of the host.</summary>
    private static readonly TimeSpan Burst = TimeSpan.FromMilliseconds(250);

    private readonly Lock bookLock = new();
    private readonly long start = time.GetTimestamp();
    private TimeSpan bookedUntil;
    private int waiting;

    /// <summary>Whether a read currently waits for the limiter.</summary>
    public bool IsWaiting => Volatile.Read(ref waiting) > 0;

    /// <returns>The limiter; null when there is no limit.</returns>
    public static RateLimiter? Of(ResourceLimits limits, TimeProvider time) =>
        limits.BytesPerSecond is > 0 and { } rate ? new RateLimiter(rate, time) : null;

    /// <summary>Waits until this number of bytes may be read.</summary>
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
        lock (bookLock)
        {
            TimeSpan now = time.GetElapsedTime(start);
            TimeSpan begin = bookedUntil > now - Burst ? bookedUntil : now - Burst;
            bookedUntil = begin + TimeSpan.FromSeconds((double)bytes / bytesPerSecond);
            return bookedUntil - now;
        }
    }
}

/// <summary>A source whose reads are limited.</summary>
public sealed class RateLimitedSource(IExtentSource source, RateLimiter limiter) : IExtentSource
{
    public long SizeBytes => source.SizeBytes;

    public IReadOnlyList<Extent> Extents => source.Extents;

    public async ValueTask ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        await limiter.TakeAsync(buffer.Length, cancellationToken);
        await source.ReadAsync(offsetBytes, buffer, cancellationToken);
    }
}
