using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Disks;

/// <summary>
/// Makes runs of a device read as zeros, without sending zeros where the kernel knows better: a thin volume or an SSD gives
/// the run back, others are told in one request. Only what is left is written.
/// </summary>
internal static partial class DeviceZeros
{
    // linux/falloc.h. On a block device a hole is punched only where it is certain to read as zeros; a zeroed range always
    // does, for the kernel writes it where the device cannot (block/fops.c, since Linux 4.9).
    private const int KeepSize = 1;
    private const int PunchHole = 2;
    private const int ZeroRange = 16;
    private const int WrittenAtOnceBytes = 1 << 20;

    /// <summary>The largest block that a device is addressed by; nothing else can be zeroed but by writing.</summary>
    private const int AlignmentBytes = 4096;

    /// <exception cref="IOException">The device refuses.</exception>
    public static void Put(SafeFileHandle handle, long from, long to)
    {
        long first = Math.Min(to, (from + AlignmentBytes - 1) / AlignmentBytes * AlignmentBytes);
        long last = Math.Max(first, to / AlignmentBytes * AlignmentBytes);
        Write(handle, from, first);
        if (first < last && fallocate64(handle, PunchHole | KeepSize, first, last - first) != 0
            && fallocate64(handle, ZeroRange | KeepSize, first, last - first) != 0)
        {
            // No support, or another program has it open; whatever else is wrong, the write will tell.
            Write(handle, first, last);
        }

        Write(handle, last, to);
    }

    private static void Write(SafeFileHandle handle, long from, long to)
    {
        byte[] zeros = new byte[(int)Math.Clamp(to - from, 0, WrittenAtOnceBytes)];
        for (long position = from; position < to; position += zeros.Length)
        {
            RandomAccess.Write(handle, zeros.AsSpan(0, (int)Math.Min(zeros.Length, to - position)), position);
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fallocate64(SafeFileHandle handle, int mode, long offset, long length);
}
