using System.Runtime.InteropServices;
using System.Text;

namespace KvmBackup.Shell;

/// <summary>How many files this process may have open at once.</summary>
public static partial class DescriptorLimit
{
    /// <summary>
    /// What a command may need: a backup of one disk has had 150 open, most of them by the runtime and its libraries,
    /// and a long chain of archives takes some dozens more.
    /// </summary>
    private const int Needed = 256;

    private const int StandardError = 2;
    private const int DescriptorBudget = 7;
    private const ulong Wanted = 8192;
    private const string OpenPath = "/proc/self/fd";

    /// <summary>How many may be open now.</summary>
    public static long Allowed =>
        getrlimit(DescriptorBudget, out Limit limit) == 0 ? (long)Math.Min(limit.Soft, long.MaxValue) : long.MaxValue;

    /// <summary>How many more may be opened now.</summary>
    public static long Free => Allowed - Directory.GetFileSystemEntries(OpenPath).Length;

    /// <summary>Raises the soft limit as far as the hard one, and as root beyond that.</summary>
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

    /// <summary>Whether a command may begin. If not, standard error has been told, by the kernel's own call.</summary>
    public static bool IsEnough()
    {
        long allowed = Allowed;
        if (allowed >= Needed)
        {
            return true;
        }

        byte[] message = Encoding.UTF8.GetBytes(
            $"kvmbackup: this process may open {allowed} files only, and needs {Needed}: raise ulimit -n, or "
            + "LimitNOFILE of the systemd unit. Nothing was begun.\n");
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
