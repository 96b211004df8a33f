using System.IO.Pipes;
using System.Runtime.InteropServices;

namespace KvmBackup.Shell;

/// <summary>
/// Enlarges pipes beyond the kernel's default of 64 KiB, to reduce context switches between the two programs.
/// </summary>
internal static partial class PipeCapacity
{
    private const int SetPipeSize = 1031;

    /// <summary>The size that the kernel grants without privileges; see /proc/sys/fs/pipe-max-size.</summary>
    private const int WideBytes = 1 << 20;

    /// <summary>Tries to enlarge a pipe. A smaller pipe works as well, only slower.</summary>
    /// <returns>The new capacity in bytes; negative when it is unchanged.</returns>
    public static int Widen(Stream stream) => stream is PipeStream pipe
        ? Control(pipe.SafePipeHandle, SetPipeSize, WideBytes) : -1;

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(SafeHandle pipe, int command, int argument);
}
