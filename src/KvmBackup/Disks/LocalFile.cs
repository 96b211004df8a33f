using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Disks;

/// <summary>What .NET does not tell of a file: who it is, whether it is a device, and where its holes are.</summary>
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

    /// <exception cref="DisksException">There is no such file, or it is out of reach.</exception>
    public static FileIdentity Identify(string filePath)
    {
        StatisticsX statistics = Read(filePath);
        return new FileIdentity(
            ((ulong)statistics.DeviceMajor << 32) | statistics.DeviceMinor, statistics.Inode);
    }

    /// <summary>Whether the path is a block device; a link to one counts.</summary>
    public static bool IsBlockDevice(string filePath) => (Read(filePath).Mode & FileTypeMask) == BlockDeviceType;

    /// <summary>Whether the path itself, and not what a link there leads to, is a folder of this program's user.</summary>
    public static bool IsOwnFolder(string path) =>
        StatisticsOf(CurrentDirectory, path, DoNotFollow, BasicStatistics, out StatisticsX statistics) == 0
        && (statistics.Mode & FileTypeMask) == FolderType && statistics.Owner == EffectiveUser();

    /// <summary>Bytes that this program may still write to the file system of a directory.</summary>
    public static long AvailableBytes(string directoryPath) => new DriveInfo(directoryPath).AvailableFreeSpace;

    /// <summary>Bytes that a file takes on its file system, holes left out; 0 when it is not there.</summary>
    public static long AllocatedBytes(string filePath) =>
        StatisticsOf(CurrentDirectory, filePath, 0, BasicStatistics, out StatisticsX statistics) == 0
            ? (long)statistics.Blocks * BlockBytes : 0;

    /// <summary>The path with every link in its last component followed.</summary>
    public static string ResolvePath(string path) =>
        (File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path));

    /// <summary>
    /// A full path without <c>..</c>, as the kernel walks it: up from where a link leads, and up from a folder that is not there
    /// (any more) by its name. .NET goes by names alone.
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
            using SafeFileHandle handle = File.OpenHandle(filePath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
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

    /// <summary>The runs of a file that hold data; a block device is one run.</summary>
    /// <param name="handle">The open file.</param>
    /// <param name="filePath">For messages.</param>
    /// <param name="smallestHoleBytes">Shorter holes are read as zeros: each costs more in a map than it saves.</param>
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
                // ENXIO: only a hole is left. Anything else: no support for holes here, so the rest is data.
                bool isHole = Marshal.GetLastPInvokeError() == NoSuchDeviceOrAddress;
                start = isHole ? size : position;
            }

            if (start >= size)
            {
                break;
            }

            long end = Seek(handle, start, SeekHole);
            end = end < 0 || end > size ? size : end;
            Add(extents, new Extent(start, end - start), smallestHoleBytes);
            position = end;
        }

        return extents;
    }

    private static void Add(List<Extent> extents, Extent next, long smallestHoleBytes)
    {
        if (extents.Count > 0 && next.OffsetBytes - extents[^1].EndBytes < smallestHoleBytes)
        {
            extents[^1] = new Extent(extents[^1].OffsetBytes, next.EndBytes - extents[^1].OffsetBytes);
        }
        else
        {
            extents.Add(next);
        }
    }

    private static StatisticsX Read(string filePath) =>
        StatisticsOf(CurrentDirectory, filePath, 0, BasicStatistics, out StatisticsX statistics) == 0
            ? statistics
            : throw Failure("look at", filePath);

    private static DisksException Failure(string deed, string filePath) =>
        new($"Cannot {deed} {filePath}: {Marshal.GetLastPInvokeErrorMessage()}");

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
