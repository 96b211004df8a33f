using System.IO.Pipes;
using System.Runtime.InteropServices;

namespace KvmBackup.Shell;

/// <summary>Makes pipes hold more than the kernel's 64 KiB, each of which costs the two programs a turn of waiting.</summary>
internal static partial class PipeCapacity
{
    private const int SetPipeSize = 1031;

    /// <summary>What the kernel grants anybody; see /proc/sys/fs/pipe-max-size.</summary>
    private const int WideBytes = 1 << 20;

    /// <summary>A pipe that cannot be made wider is as good a pipe, only slower.</summary>
    /// <returns>What it holds now; negative when that did not change.</returns>
    public static int Widen(Stream stream) => stream is PipeStream pipe
        ? Control(pipe.SafePipeHandle, SetPipeSize, WideBytes) : -1;

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(SafeHandle pipe, int command, int argument);
}
