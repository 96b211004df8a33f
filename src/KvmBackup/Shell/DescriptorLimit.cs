using System.Runtime.InteropServices;

namespace KvmBackup.Shell;

/// <summary>How many files this process may have open at once.</summary>
public static partial class DescriptorLimit
{
    /// <summary>
    /// What a command may need: the runtime with its libraries has about 50, each program that runs has six, and an archive that
    /// is assembled from a long chain some dozens.
    /// </summary>
    public const int Needed = 256;

    private const int OpenFiles = 7;
    private const ulong Wanted = 8192;
    private const string OpenPath = "/proc/self/fd";

    /// <summary>How many may be open now.</summary>
    public static long Allowed => getrlimit(OpenFiles, out Limit limit) == 0 ? (long)Math.Min(limit.Soft, long.MaxValue) : long.MaxValue;

    /// <summary>How many more may be opened now.</summary>
    public static long Free => Allowed - Directory.GetFileSystemEntries(OpenPath).Length;

    /// <summary>Allows as many as the program could ever want: the soft limit up to the hard one, and as root beyond that.</summary>
    public static void Raise()
    {
        if (getrlimit(OpenFiles, out Limit limit) != 0 || limit.Soft >= Wanted)
        {
            return;
        }

        Limit beyond = new(Wanted, Math.Max(limit.Hard, Wanted));
        if (setrlimit(OpenFiles, beyond) != 0)
        {
            _ = setrlimit(OpenFiles, new Limit(Math.Min(limit.Hard, Wanted), limit.Hard));
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getrlimit(int resource, out Limit limit);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setrlimit(int resource, in Limit limit);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Limit(ulong Soft, ulong Hard);
}
