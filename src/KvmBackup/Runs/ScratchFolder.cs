using KvmBackup.Disks;
using KvmBackup.Model;

namespace KvmBackup.Runs;

/// <summary>A private folder for disks that QEMU has to read before they can go where they are wanted. Gone with its scope.</summary>
public sealed class ScratchFolder : IDisposable
{
    private ScratchFolder(string path) => DirectoryPath = path;

    public string DirectoryPath { get; }

    /// <summary>Where such a folder is made if nothing else is near: <c>TMPDIR</c>, or <c>/var/tmp</c>, which unlike
    /// <c>/tmp</c> is on a disk.</summary>
    public static string DefaultParent =>
        Environment.GetEnvironmentVariable("TMPDIR") is { Length: > 0 } path ? Path.GetFullPath(path) : "/var/tmp";

    /// <returns>What speaks against such a folder; null for nothing.</returns>
    public static string? Refuse(string parentPath, long neededBytes) =>
        !Directory.Exists(parentPath) ? $"{parentPath} is not there: set TMPDIR to a folder"
        : LocalFile.AvailableBytes(parentPath) is long available && available >= neededBytes ? null
        : $"{parentPath} has {ByteSize.Format(available)} left and {ByteSize.Format(neededBytes)} are needed to unpack a disk for "
            + "qemu-img: make room, or set TMPDIR to another folder";

    /// <exception cref="RunsException">It cannot be made.</exception>
    public static ScratchFolder Create(string parentPath)
    {
        string path = Path.Combine(parentPath, $"kvmbackup-restore-{Path.GetRandomFileName()}");
        try
        {
            _ = Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return new ScratchFolder(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new RunsException($"Cannot make {path}: {failure.Message}", ExitCode.Failed, failure);
        }
    }

    public void Dispose() => Directory.Delete(DirectoryPath, recursive: true);
}
