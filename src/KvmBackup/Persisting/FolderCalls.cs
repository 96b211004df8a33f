using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Persisting;

/// <summary>
/// System calls on one name in an open folder. No call follows a link, so exchanging a folder above it between a
/// check and
/// an action has no effect. Names are bytes: not all of them are UTF-8.
/// </summary>
internal static partial class FolderCalls
{
    private const int ReadOnly = 0;
    private const int WriteOnly = 1;
    private const int ReadWrite = 2;
    private const int Create = 0x40;
    private const int Exclusive = 0x80;
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;
    private const int CurrentDirectory = -100;
    private const int StatusOfLink = 0x100;
    private const int StatusOfHandle = 0x1000;
    private const int RemoveFolder = 0x200;
    private const uint BasicStatistics = 0x7ff;
    private const uint OwnerReadWrite = 0x180;
    private const uint OwnerAll = 0x1C0;
    private const int TypeMask = 0xF000;
    private const int ErrorNoEntry = 2;
    private const int ErrorExists = 17;
    private const int NameOffset = 19;

    // ARM exchanges these two values.
    private static readonly bool IsArm =
        RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm;
    private static readonly int FolderOnly = IsArm ? 0x4000 : 0x10000;
    private static readonly int NoFollow = IsArm ? 0x8000 : 0x20000;

    /// <summary>Opens a folder by its path and follows links in it: the path is the operator's choice.</summary>
    public static SafeFileHandle OpenRoot(string path) => Check(
        OpenAt(CurrentDirectory, Bytes(path), ReadOnly | FolderOnly | CloseOnExec, 0), "open", path);

    public static SafeFileHandle OpenFolder(SafeFileHandle folder, byte[] name, string path) => Check(
        OpenAt(folder, name, ReadOnly | FolderOnly | NoFollow | CloseOnExec, 0), "open", path);

    /// <summary>Opens for reading without waiting for the other end of a pipe.</summary>
    public static SafeFileHandle OpenToRead(SafeFileHandle folder, string name, string path) => Check(
        OpenAt(folder, Bytes(name), ReadOnly | NoFollow | NonBlocking | CloseOnExec, 0), "open", path);

    public static SafeFileHandle OpenToWrite(SafeFileHandle folder, string name, string path) => Check(
        OpenAt(folder, Bytes(name), WriteOnly | NoFollow | NonBlocking | CloseOnExec, 0), "open", path);

    public static SafeFileHandle OpenOrCreate(SafeFileHandle folder, string name, string path) => Check(
        OpenAt(folder, Bytes(name), ReadWrite | Create | NoFollow | NonBlocking | CloseOnExec, OwnerReadWrite),
        "open", path);

    public static SafeFileHandle CreateNew(SafeFileHandle folder, string name, string path) => Check(
        OpenAt(folder, Bytes(name), WriteOnly | Create | Exclusive | NoFollow | CloseOnExec, OwnerReadWrite),
        "create", path);

    /// <returns>False when an entry of that name exists.</returns>
    public static bool TryMakeFolder(SafeFileHandle folder, string name, string path) =>
        MakeAt(folder, Bytes(name), OwnerAll) == 0
        || (Marshal.GetLastPInvokeError() == ErrorExists ? false : throw Failure("create", path));

    public static void Rename(SafeFileHandle folder, string from, string to, string path)
    {
        if (RenameAt(folder, Bytes(from), folder, Bytes(to)) != 0)
        {
            throw Failure("rename", path);
        }
    }

    /// <summary>Removes a name, if it exists.</summary>
    public static void Remove(SafeFileHandle folder, byte[] name, bool isFolder, string path)
    {
        if (UnlinkAt(folder, name, isFolder ? RemoveFolder : 0) != 0 && Marshal.GetLastPInvokeError() != ErrorNoEntry)
        {
            throw Failure("remove", path);
        }
    }

    public static FileStatus StatusOf(SafeFileHandle handle, string path) =>
        StatusAt(handle, [0], StatusOfHandle, BasicStatistics, out Statistics found) == 0
            ? Describe(found) : throw Failure("read the status of", path);

    /// <returns>Null when there is no entry of that name.</returns>
    public static FileStatus? Find(SafeFileHandle folder, byte[] name, string path) =>
        StatusAt(folder, name, StatusOfLink, BasicStatistics, out Statistics found) == 0 ? Describe(found)
        : Marshal.GetLastPInvokeError() == ErrorNoEntry ? null
        : throw Failure("read the status of", path);

    /// <returns>Null when nothing exists at that path.</returns>
    public static FileStatus? Find(string path) =>
        StatusAt(CurrentDirectory, Bytes(path), StatusOfLink, BasicStatistics, out Statistics found) == 0
            ? Describe(found) : null;

    /// <summary>The names in a folder, each with a terminating zero.</summary>
    public static IReadOnlyList<byte[]> List(SafeFileHandle folder, string path)
    {
        // A separate handle, which starts at the first name and is closed with the stream.
        using SafeFileHandle own = OpenFolder(folder, Bytes("."), path);
        nint stream = OpenStream(own);
        if (stream == 0)
        {
            throw Failure("list", path);
        }

        own.SetHandleAsInvalid();
        try
        {
            return ReadAll(stream, path);
        }
        finally
        {
            _ = CloseStream(stream);
        }
    }

    public static uint EffectiveUser() => UserId();

    public static byte[] Bytes(string text) => [.. Encoding.UTF8.GetBytes(text), 0];

    private static List<byte[]> ReadAll(nint stream, string path)
    {
        List<byte[]> names = [];
        while (true)
        {
            Marshal.SetLastSystemError(0);
            nint entry = ReadStream(stream);
            if (entry == 0)
            {
                return Marshal.GetLastPInvokeError() == 0 ? names : throw Failure("list", path);
            }

            List<byte> name = [];
            for (int offset = NameOffset; Marshal.ReadByte(entry, offset) is var next and not 0; offset++)
            {
                name.Add(next);
            }

            if (name is not ([(byte)'.'] or [(byte)'.', (byte)'.']))
            {
                names.Add([.. name, 0]);
            }
        }
    }

    private static SafeFileHandle Check(SafeFileHandle handle, string action, string path)
    {
        if (!handle.IsInvalid)
        {
            return handle;
        }

        Exception failure = Failure(action, path);
        handle.Dispose();
        throw failure;
    }

    private static Exception Failure(string action, string path)
    {
        const int noPermission = 13;
        const int notFolder = 20;
        const int tooManyLinks = 40;
        int error = Marshal.GetLastPInvokeError();
        string message = $"Cannot {action} '{path}': {Marshal.GetPInvokeErrorMessage(error)}";
        return error switch
        {
            ErrorNoEntry => new FileNotFoundException(message, path),
            noPermission => new UnauthorizedAccessException(message),
            tooManyLinks => new RefusedPathException(
                $"'{path}' is a symbolic link; links in the backup directory are not followed"),
            notFolder => new RefusedPathException(
                $"'{path}' is a symbolic link or not a directory; links in the backup directory are not followed"),
            _ => new IOException(message, error),
        };
    }

    private static FileStatus Describe(Statistics found) => new(
        found.Mode & TypeMask, (UnixFileMode)(found.Mode & ~TypeMask), found.Owner, found.Links, (long)found.Size,
        DateTimeOffset.FromUnixTimeSeconds(found.ModifiedSeconds)
            .AddTicks(found.ModifiedNanoseconds / TimeSpan.NanosecondsPerTick),
        new FileIdentity(((ulong)found.DeviceMajor << 32) | found.DeviceMinor, found.Inode));

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true)]
    private static partial SafeFileHandle OpenAt(int folder, byte[] path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true)]
    private static partial SafeFileHandle OpenAt(SafeFileHandle folder, byte[] path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "mkdirat", SetLastError = true)]
    private static partial int MakeAt(SafeFileHandle folder, byte[] path, uint mode);

    [LibraryImport("libc", EntryPoint = "renameat", SetLastError = true)]
    private static partial int RenameAt(SafeFileHandle folder, byte[] from, SafeFileHandle toFolder, byte[] to);

    [LibraryImport("libc", EntryPoint = "unlinkat", SetLastError = true)]
    private static partial int UnlinkAt(SafeFileHandle folder, byte[] path, int flags);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static partial int StatusAt(int folder, byte[] path, int flags, uint mask, out Statistics result);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static partial int StatusAt(
        SafeFileHandle folder, byte[] path, int flags, uint mask, out Statistics result);

    [LibraryImport("libc", EntryPoint = "fdopendir", SetLastError = true)]
    private static partial nint OpenStream(SafeFileHandle folder);

    [LibraryImport("libc", EntryPoint = "readdir", SetLastError = true)]
    private static partial nint ReadStream(nint stream);

    [LibraryImport("libc", EntryPoint = "closedir")]
    private static partial int CloseStream(nint stream);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint UserId();

    /// <summary>struct statx of linux/stat.h: the same on every architecture.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Statistics
    {
        [FieldOffset(16)]
        public uint Links;

        [FieldOffset(20)]
        public uint Owner;

        [FieldOffset(28)]
        public ushort Mode;

        [FieldOffset(32)]
        public ulong Inode;

        [FieldOffset(40)]
        public ulong Size;

        [FieldOffset(112)]
        public long ModifiedSeconds;

        [FieldOffset(120)]
        public uint ModifiedNanoseconds;

        [FieldOffset(136)]
        public uint DeviceMajor;

        [FieldOffset(140)]
        public uint DeviceMinor;
    }
}
