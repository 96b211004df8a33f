using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Disks;

/// <summary>
/// Reads the locks by which QEMU prevents two writers of an image. Nothing is locked or opened for writing, so a guest
/// can be started during the check.
/// </summary>
/// <remarks>
/// <c>qemu-img info</c> fails because of a writer only for formats with a header, not for raw. Every QEMU since 2.10
/// locks the same bytes: https://gitlab.com/qemu-project/qemu/-/blob/master/block/file-posix.c (RAW_LOCK_PERM_BASE).
/// On a block device they are visible only if QEMU opened it in this <c>/dev</c>, and not in one of its own, which
/// libvirt creates by default.
/// </remarks>
public static partial class ImageLock
{
    // RAW_LOCK_PERM_BASE, and the number of the bit BLK_PERM_WRITE.
    private const long WriterByte = 100 + 1;

    // F_OFD_GETLK: which lock would conflict with a lock of this open file.
    private const int ReadConflictingLock = 36;
    private const short ExclusiveLock = 1;
    private const short NoLock = 2;

    /// <summary>Checks that no QEMU has an image open for writing.</summary>
    /// <param name="image">The top of a chain.</param>
    /// <param name="subject">The start of a message: <c>disk vdb</c>.</param>
    /// <exception cref="DisksException">A QEMU has it open, or the check failed.</exception>
    public static void EnsureNoWriter(ImageLayer image, string subject)
    {
        if (HasWriter(image.FilePath))
        {
            throw new DisksException(
                $"{subject} ({image.FilePath}) is in the definition for the next start only, and another program has "
                + "it open for writing, according to the lock of QEMU. To see which process has it open: "
                + $"`fuser -v {ShellWord.Quote(image.FilePath)}`");
        }
    }

    /// <summary>Whether a QEMU has an image of any format open for writing.</summary>
    /// <exception cref="DisksException">The file cannot be opened, or its file system has no locks.</exception>
    public static bool HasWriter(string filePath)
    {
        FileRange range = new() { Type = ExclusiveLock, Start = WriterByte, Length = 1 };
        try
        {
            using SafeFileHandle handle = File.OpenHandle(
                filePath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (ReadLock(handle, ReadConflictingLock, ref range) != 0)
            {
                throw new IOException(Marshal.GetLastPInvokeErrorMessage());
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DisksException(
                $"Cannot read the locks of {filePath}: {failure.Message}", ExitCode.Failed, failure);
        }

        return range.Type != NoLock;
    }

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int ReadLock(SafeFileHandle handle, int command, ref FileRange range);

    /// <summary>struct flock of a 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 32)]
    private struct FileRange
    {
        [FieldOffset(0)]
        public short Type;

        [FieldOffset(8)]
        public long Start;

        [FieldOffset(16)]
        public long Length;
    }
}
