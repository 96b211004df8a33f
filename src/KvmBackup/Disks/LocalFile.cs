using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Disks;

/// <summary>Properties of a file that .NET does not provide: identity, device type, owner and holes.</summary>
public static partial class LocalFile
{
    private const int SeekEnd = 2;
    private const int SeekData = 3;
    private const int SeekHole = 4;
    private const int NoSuchDeviceOrAddress = 6;
    private const uint BasicStatistics = 0x7ff;
    private const int CurrentDirectory = -100;
    private const int BlockBytes = 512;
    private const int FileTypeMask = 0xF000;
    private const int BlockDeviceType = 0x6000;
    private const int FolderType = 0x4000;
    private const int DoNotFollow = 0x100;

    /// <summary>The device and inode of a file.</summary>
    /// <exception cref="DisksException">There is no such file, or it is not accessible.</exception>
    public static FileIdentity Identify(string filePath)
    {
        StatisticsX statistics = Read(filePath);
        return new FileIdentity(
            ((ulong)statistics.DeviceMajor << 32) | statistics.DeviceMinor, statistics.Inode);
    }

    /// <summary>Whether the path is a block device, or a link to one.</summary>
    public static bool IsBlockDevice(string filePath) => (Read(filePath).Mode & FileTypeMask) == BlockDeviceType;

    /// <summary>Whether the path itself, without following a link, is a folder of this program's user.</summary>
    public static bool IsOwnFolder(string path) =>
        StatisticsOf(CurrentDirectory, path, DoNotFollow, BasicStatistics, out StatisticsX statistics) == 0
        && (statistics.Mode & FileTypeMask) == FolderType && statistics.Owner == EffectiveUser();

    /// <summary>The free space, in bytes, for this program on the file system of a directory.</summary>
    public static long AvailableBytes(string directoryPath) => new DriveInfo(directoryPath).AvailableFreeSpace;

    /// <summary>The allocated bytes of a file, without holes; 0 when there is no such file.</summary>
    public static long AllocatedBytes(string filePath) =>
        StatisticsOf(CurrentDirectory, filePath, 0, BasicStatistics, out StatisticsX statistics) == 0
            ? (long)statistics.Blocks * BlockBytes : 0;

    /// <summary>The target of the path when its last component is a link, else the full path.</summary>
    public static string ResolvePath(string path) =>
        (File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path));

    /// <summary>
    /// Resolves <c>..</c> in a full path as the kernel does: the parent of a link is the parent of its target. The
    /// parent of a missing folder is found by its name. .NET uses names only.
    /// </summary>
    public static string WithoutParents(string path)
    {
        if (!Path.IsPathFullyQualified(path) || !path.Contains("/..", StringComparison.Ordinal))
        {
            return path;
        }

        string walked = "/";
        foreach (string part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            walked = part switch
            {
                "." => walked,
                ".." => Path.GetDirectoryName(Path.Exists(walked) ? ResolvePath(walked) : walked) ?? "/",
                _ => Path.Combine(walked, part),
            };
        }

        return walked;
    }

    /// <summary>The size of a file or block device.</summary>
    /// <exception cref="DisksException">It cannot be opened.</exception>
    public static long SizeOf(string filePath)
    {
        try
        {
            using SafeFileHandle handle = File.OpenHandle(
                filePath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return Size(handle, filePath);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DisksException($"Cannot read {filePath}: {failure.Message}", ExitCode.Failed, failure);
        }
    }

    /// <summary>The size of a file or block device.</summary>
    internal static long Size(SafeFileHandle handle, string filePath)
    {
        long size = Seek(handle, 0, SeekEnd);
        return size >= 0 ? size : throw Failure("seek in", filePath);
    }

    /// <summary>The extents of a file that hold data; a block device is one extent.</summary>
    /// <param name="handle">The open file.</param>
    /// <param name="filePath">For messages.</param>
    /// <param name="smallestHoleBytes">Smaller holes are read as zeros, because an entry in the map costs more.</param>
    internal static IReadOnlyList<Extent> FindExtents(SafeFileHandle handle, string filePath, long smallestHoleBytes)
    {
        long size = Size(handle, filePath);
        List<Extent> extents = [];
        long position = 0;
        while (position < size)
        {
            long start = Seek(handle, position, SeekData);
            if (start < 0)
            {
                // ENXIO: the rest is a hole. Any other error: the file system does not support holes, the rest is data.
                bool isHole = Marshal.GetLastPInvokeError() == NoSuchDeviceOrAddress;
                start = isHole ? size : position;
            }

            if (start >= size)
            {
                break;
            }

            long end = Seek(handle, start, SeekHole);
            end = end < 0 || end > size ? size : end;
            extents.Add(new Extent(start, end - start));
            position = end;
        }

        return Extent.Coalesce(extents, smallestHoleBytes);
    }

    private static StatisticsX Read(string filePath) =>
        StatisticsOf(CurrentDirectory, filePath, 0, BasicStatistics, out StatisticsX statistics) == 0
            ? statistics
            : throw Failure("stat", filePath);

    private static DisksException Failure(string operation, string filePath) =>
        new($"Cannot {operation} {filePath}: {Marshal.GetLastPInvokeErrorMessage()}");

    [LibraryImport("libc", EntryPoint = "lseek64", SetLastError = true)]
    private static partial long Seek(SafeFileHandle handle, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatisticsOf(int directory, string path, int flags, uint mask, out StatisticsX result);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint EffectiveUser();

    /// <summary>struct statx of linux/stat.h: the same on every architecture.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct StatisticsX
    {
        [FieldOffset(20)]
        public uint Owner;

        [FieldOffset(28)]
        public ushort Mode;

        [FieldOffset(32)]
        public ulong Inode;

        [FieldOffset(48)]
        public ulong Blocks;

        [FieldOffset(136)]
        public uint DeviceMajor;

        [FieldOffset(140)]
        public uint DeviceMinor;
    }
}
