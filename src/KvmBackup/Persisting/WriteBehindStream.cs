using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Persisting;

/// <summary>
/// A file written sequentially that reaches the disk while it is written. So the final flush is short, and gigabytes of
/// output do not displace the guests' data from the page cache.
/// </summary>
/// <param name="file">New and empty; closed with the stream.</param>
public sealed class WriteBehindStream(SafeFileHandle file) : FileStream(file, FileAccess.Write)
{
    /// <summary>Bytes being written to disk; as many are buffered before the next wait.</summary>
    private const long WindowBytes = 32L << 20;

    private long written;
    private long flushStarted;
    private long freed;

    public override async ValueTask WriteAsync(
        ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await base.WriteAsync(buffer, cancellationToken);
        written += buffer.Length;
        if (written - flushStarted >= WindowBytes)
        {
            // A disk may be slow, and a share may hang forever: not on the caller's thread.
            await Task.Run(Push, CancellationToken.None);
        }
    }

    private void Push()
    {
        KernelCalls.BeginFlush(SafeFileHandle, flushStarted, written - flushStarted);
        KernelCalls.FlushAndForget(SafeFileHandle, freed, flushStarted - freed);
        (freed, flushStarted) = (flushStarted, written);
    }
}
