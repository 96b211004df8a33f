using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Persisting;

/// <summary>
/// A lock that the kernel releases when its holder dies in any way. The file names the holder for people; only the
/// kernel's
/// lock counts.
/// </summary>
public sealed class KernelLock : IDisposable
{
    private const int LongestHolder = 200;
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(200);
    private readonly SafeFileHandle handle;

    private KernelLock(SafeFileHandle handle, string filePath)
    {
        this.handle = handle;
        FilePath = filePath;
    }

    public string FilePath { get; }

    public bool IsHeld { get; private set; } = true;

    /// <param name="filePath">A link is not followed, and only a regular file is locked.</param>
    /// <param name="wait">The longest wait.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="purpose">Purpose of the lock, which <see cref="ReadHolder"/> shows at the end.</param>
    /// <param name="open">Opens or creates the file without truncating it; null for a file in a trusted folder.</param>
    /// <returns>The lock; null when others held it for all of <paramref name="wait"/>.</returns>
    /// <exception cref="IOException">The file cannot be created, or its file system has no locks.</exception>
    public static async Task<KernelLock?> AcquireAsync(
        string filePath, TimeSpan wait, TimeProvider time, CancellationToken cancellationToken, string? purpose = null,
        Func<string, SafeFileHandle>? open = null)
    {
        long start = time.GetTimestamp();
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (TryAcquire(filePath, open ?? TargetFile.OpenOrCreate, purpose, time) is { } acquired)
            {
                return acquired;
            }

            TimeSpan left = wait - time.GetElapsedTime(start);
            if (left <= TimeSpan.Zero)
            {
                return null;
            }

            await Task.Delay(left < PollInterval ? left : PollInterval, time, cancellationToken);
        }
    }

    /// <summary>The holder's entry in the file: process, host, time. For messages only.</summary>
    public static string ReadHolder(string filePath, Func<string, SafeFileHandle>? open = null)
    {
        using SafeFileHandle file = (open ?? TargetFile.OpenOrCreate)(filePath);
        byte[] buffer = new byte[LongestHolder];
        string text = Encoding.UTF8.GetString(buffer, 0, RandomAccess.Read(file, buffer, fileOffset: 0));
        string line = new([.. text.TrimEnd().Where(character => !char.IsControl(character))]);
        return line.Length > 0 ? line : "an unknown program";
    }

    public void Dispose()
    {
        if (IsHeld)
        {
            IsHeld = false;
            KernelCalls.Unlock(handle);
            handle.Dispose();
        }
    }

    private static KernelLock? TryAcquire(
        string filePath, Func<string, SafeFileHandle> open, string? purpose, TimeProvider time)
    {
        SafeFileHandle handle = open(filePath);
        bool isHeld = false;
        try
        {
            isHeld = KernelCalls.TryLock(handle, filePath);
            if (!isHeld)
            {
                return null;
            }

            DurableFile.Restrict(handle);
            WriteHolder(handle, purpose, time);
            return new KernelLock(handle, filePath);
        }
        catch
        {
            isHeld = false;
            throw;
        }
        finally
        {
            if (!isHeld)
            {
                handle.Dispose();
            }
        }
    }

    private static void WriteHolder(SafeFileHandle handle, string? purpose, TimeProvider time)
    {
        string since = time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        string suffix = purpose is null ? string.Empty : $", {purpose}";
        string holder = $"process {Environment.ProcessId} on {Environment.MachineName} since {since}{suffix}\n";
        byte[] bytes = Encoding.UTF8.GetBytes(holder);
        RandomAccess.SetLength(handle, 0);
        RandomAccess.Write(handle, bytes, fileOffset: 0);
    }
}
