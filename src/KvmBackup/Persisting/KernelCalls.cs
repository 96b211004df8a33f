using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Persisting;

/// <summary>
/// System calls that .NET does not offer: flush of a directory, a lock that reports errors, creation of a directory
/// that
/// must not exist.
/// </summary>
internal static partial class KernelCalls
{
    // FileStream cannot open directories, ignores file systems without locks, and denies reading a locked file. These
    // numbers are the same on every Linux architecture that .NET supports.
    private const int ReadOnly = 0;
    private const int CloseOnExec = 0x80000;
    private const int LockExclusive = 2;
    private const int LockNonBlocking = 4;
    private const int LockRelease = 8;
    private const uint SyncWaitBefore = 1;
    private const uint SyncWrite = 2;
    private const uint SyncWaitAfter = 4;
    private const int AdviseDontNeed = 4;
    private const int ErrorInterrupted = 4;
    private const int ErrorWouldBlock = 11;
    private const int ErrorExists = 17;

    public static SafeFileHandle OpenToRead(string path) => Open(path, ReadOnly | CloseOnExec);

    /// <summary>Returns when the data are on disk; throws when the disk reports an error.</summary>
    public static void Flush(SafeFileHandle handle, string path)
    {
        while (fsync(handle) != 0)
        {
            if (Marshal.GetLastPInvokeError() != ErrorInterrupted)
            {
                throw Failure("flush", path);
            }
        }
    }

    /// <summary>Starts to write a run of a file to disk without waiting. A file system without support ignores
    /// it.</summary>
    public static void BeginFlush(SafeFileHandle handle, long offset, long length) =>
        _ = sync_file_range(handle, offset, length, SyncWrite);

    /// <summary>
    /// Waits until a run of a file is on disk, and frees its memory in the page cache. Errors are reported by the
    /// next flush of
    /// the file.
    /// </summary>
    public static void FlushAndForget(SafeFileHandle handle, long offset, long length)
    {
        if (sync_file_range(handle, offset, length, SyncWaitBefore | SyncWrite | SyncWaitAfter) == 0)
        {
            _ = posix_fadvise(handle, offset, length, AdviseDontNeed);
        }
    }

    /// <returns>False when it is already locked.</returns>
    public static bool TryLock(SafeFileHandle handle, string path)
    {
        while (flock(handle, LockExclusive | LockNonBlocking) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error == ErrorWouldBlock)
            {
                return false;
            }

            if (error != ErrorInterrupted)
            {
                throw Failure("lock", path);
            }
        }

        return true;
    }

    /// <summary>Releases the lock explicitly: a child between fork and exec would hold it longer.</summary>
    public static void Unlock(SafeFileHandle handle) => _ = flock(handle, LockRelease);

    /// <returns>False when an entry of that name exists.</returns>
    public static bool TryMakeDirectory(string path)
    {
        const uint ownerOnly = 0x1C0;
        if (mkdir(path, ownerOnly) == 0)
        {
            return true;
        }

        return Marshal.GetLastPInvokeError() == ErrorExists ? false : throw Failure("create the directory", path);
    }

    /// <summary>Fails unless this user may create files in a directory whose file system is not mounted
    /// read-only.</summary>
    public static void DemandWritable(string directoryPath)
    {
        const int writeAndSearch = 3;
        if (access(directoryPath, writeAndSearch) != 0)
        {
            throw Failure("write to", directoryPath);
        }
    }

    private static SafeFileHandle Open(string path, int flags)
    {
        SafeFileHandle handle = open(path, flags, 0);
        if (!handle.IsInvalid)
        {
            return handle;
        }

        IOException failure = Failure("open", path);
        handle.Dispose();
        throw failure;
    }

    private static IOException Failure(string action, string path)
    {
        int error = Marshal.GetLastPInvokeError();
        return new IOException($"Cannot {action} '{path}': {Marshal.GetPInvokeErrorMessage(error)}", error);
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle open(string path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(SafeFileHandle handle);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int sync_file_range(SafeFileHandle handle, long offset, long length, uint flags);

    [LibraryImport("libc")]
    private static partial int posix_fadvise(SafeFileHandle handle, long offset, long length, int advice);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(SafeFileHandle handle, int operation);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int access(string path, int mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mkdir(string path, uint mode);
}
