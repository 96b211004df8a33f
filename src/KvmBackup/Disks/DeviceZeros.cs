using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Disks;

/// <summary>
/// Zeroes ranges of a device, by a request to the kernel where possible: a thin volume or an SSD frees the range. Zeros
/// are written only where the kernel refuses.
/// </summary>
internal static partial class DeviceZeros
{
    // linux/falloc.h. On a block device PUNCH_HOLE succeeds only where the range then reads as zeros. ZERO_RANGE always
    // works, because the kernel writes zeros where the device cannot (block/fops.c, since Linux 4.9).
    private const int KeepSize = 1;
    private const int PunchHole = 2;
    private const int ZeroRange = 16;
    private const int WrittenAtOnceBytes = 1 << 20;

    /// <summary>The largest logical block of a device: the kernel zeroes aligned ranges only.</summary>
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
            // Not supported, or another program has the device open. The write reports any other error.
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
