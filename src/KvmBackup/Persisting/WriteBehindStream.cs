using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Persisting;

/// <summary>
/// A file that is written once, from its start to its end, and reaches the disk while it is written: so the flush at the end
/// is short, and gigabytes of it do not push out of the host's memory what its guests work with.
/// </summary>
/// <param name="file">New and empty; closed with the stream.</param>
public sealed class WriteBehindStream(SafeFileHandle file) : FileStream(file, FileAccess.Write)
{
    /// <summary>So much is on its way to the disk, and as much before it is waited for.</summary>
    private const long WindowBytes = 32L << 20;

    private long written;
    private long begun;
    private long forgotten;

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await base.WriteAsync(buffer, cancellationToken);
        written += buffer.Length;
        if (written - begun >= WindowBytes)
        {
            // A disk may take its time, and one that hangs all of it: not on the caller's thread.
            await Task.Run(Push, CancellationToken.None);
        }
    }

    private void Push()
    {
        KernelCalls.BeginFlush(SafeFileHandle, begun, written - begun);
        KernelCalls.FlushAndForget(SafeFileHandle, forgotten, begun - forgotten);
        (forgotten, begun) = (begun, written);
    }
}
