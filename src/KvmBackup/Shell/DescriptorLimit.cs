using System.Runtime.InteropServices;
using System.Text;

namespace KvmBackup.Shell;

/// <summary>The limit of open files of this process.</summary>
public static partial class DescriptorLimit
{
    /// <summary>
    /// The requirement of a command: a backup of one disk has up to 150 open files, most of them by the runtime and its
    /// libraries, and a long chain of archives needs some dozens more.
    /// </summary>
    private const int Needed = 256;

    private const int StandardError = 2;
    private const int DescriptorBudget = 7;
    private const ulong Wanted = 8192;
    private const string OpenPath = "/proc/self/fd";

    /// <summary>The current soft limit.</summary>
    public static long Allowed =>
        getrlimit(DescriptorBudget, out Limit limit) == 0 ? (long)Math.Min(limit.Soft, long.MaxValue) : long.MaxValue;

    /// <summary>The number of files that may still be opened.</summary>
    public static long Free => Allowed - Directory.GetFileSystemEntries(OpenPath).Length;

    /// <summary>Raises the soft limit up to the hard limit, and as root beyond it.</summary>
    public static void Raise()
    {
        if (getrlimit(DescriptorBudget, out Limit limit) != 0 || limit.Soft >= Wanted)
        {
            return;
        }

        Limit beyond = new(Wanted, Math.Max(limit.Hard, Wanted));
        if (setrlimit(DescriptorBudget, beyond) != 0)
        {
            _ = setrlimit(DescriptorBudget, new Limit(Math.Min(limit.Hard, Wanted), limit.Hard));
        }
    }

    /// <summary>Whether a command may start. If not, a message was written to standard error by write(2).</summary>
    public static bool IsEnough()
    {
        long allowed = Allowed;
        if (allowed >= Needed)
        {
            return true;
        }

        byte[] message = Encoding.UTF8.GetBytes(
            $"kvmbackup: this process may open only {allowed} files, but {Needed} are required: raise ulimit -n, or "
                + "LimitNOFILE of the systemd unit. Nothing was started.\n");
        _ = write(StandardError, message, message.Length);
        return false;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(int descriptor, byte[] bytes, nint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getrlimit(int resource, out Limit limit);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setrlimit(int resource, in Limit limit);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Limit(ulong Soft, ulong Hard);
}
