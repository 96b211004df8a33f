using System.Text.RegularExpressions;
using KvmBackup.Persisting;

namespace KvmBackup.Disks;

/// <summary>
/// A private folder for unpacked disks that QEMU must read before they are written to their destination. Removed by its
/// dispose; a folder that a killed program left is recognised by its lock and removed by the next run.
/// </summary>
public sealed partial class ScratchFolder : IDisposable
{
    private const string Prefix = "kvmbackup-restore-";
    private const string NewSuffix = ".new";
    private const string LockName = ".lock";
    private const string UsualParent = "/var/tmp";

    private static readonly EnumerationOptions Accessible = new() { IgnoreInaccessible = true, AttributesToSkip = 0 };

    private readonly KernelLock folderLock;

    private ScratchFolder(string path, KernelLock folderLock) => (DirectoryPath, this.folderLock) = (path, folderLock);

    public string DirectoryPath { get; }

    /// <summary>The default place of such a folder: <c>TMPDIR</c>, or <c>/var/tmp</c>, which unlike <c>/tmp</c> is on a
    /// disk.</summary>
    public static string DefaultParent =>
        Environment.GetEnvironmentVariable("TMPDIR") is { Length: > 0 } path ? Path.GetFullPath(path) : UsualParent;

    /// <summary>The places where a folder may have been left: cron and an operator can have different values of
    /// <c>TMPDIR</c>.</summary>
    public static IReadOnlyList<string> UsualParents => [.. new[] { DefaultParent, UsualParent }.Distinct()];

    /// <returns>The obstacle to such a folder; null for none.</returns>
    public static string? Refuse(string parentPath, long neededBytes) =>
        !Directory.Exists(parentPath) ? $"{parentPath} does not exist: set TMPDIR to a folder"
        : LocalFile.AvailableBytes(parentPath) is long available && available >= neededBytes ? null
        : $"{parentPath} has {ByteSize.Format(available)} free and {ByteSize.Format(neededBytes)} are required to "
            + "unpack a disk for qemu-img: free some space, or set TMPDIR to another folder";

    /// <exception cref="DisksException">It cannot be created.</exception>
    public static async Task<ScratchFolder> CreateAsync(string parentPath, TimeProvider time)
    {
        string path = Path.Combine(parentPath, Prefix + Path.GetRandomFileName());
        try
        {
            // Renamed only when it is locked, so that no other process takes it for an abandoned one.
            _ = Directory.CreateDirectory(path + NewSuffix, DurableFile.DirectoryMode);
            KernelLock folderLock = await LockAsync(path + NewSuffix, time)
                ?? throw new DisksException($"Cannot lock {path + NewSuffix}: another process has locked it.");
            Directory.Move(path + NewSuffix, path);
            return new ScratchFolder(path, folderLock);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DisksException($"Cannot create {path}: {failure.Message}", ExitCode.Failed, failure);
        }
    }

    /// <summary>Removes folders that killed programs left: of such a name, of this user, and not locked.</summary>
    /// <returns>The removed folders, and those that could not be removed.</returns>
    public static async Task<IReadOnlyList<string>> RemoveAbandonedAsync(
        IReadOnlyList<string> parentPaths, TimeProvider time)
    {
        List<string> actions = [];
        foreach (string path in parentPaths.SelectMany(Find))
        {
            try
            {
                if (Name().IsMatch(Path.GetFileName(path)) && await TryRemoveAsync(path, time) is { } bytes)
                {
                    actions.Add($"removed {path}, left by a killed restore ({ByteSize.Format(bytes)})");
                }
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or KvmBackupException)
            {
                actions.Add($"{path} was left by a killed restore and cannot be removed: {failure.Message}");
            }
        }

        return actions;
    }

    public void Dispose()
    {
        Directory.Delete(DirectoryPath, recursive: true);
        folderLock.Dispose();
    }


    private static string[] Find(string parentPath) => Directory.Exists(parentPath)
        ? [.. Directory.EnumerateDirectories(parentPath, Prefix + "*", Accessible)]
        : [];

    /// <returns>The freed bytes; null when it is not abandoned, or not a folder of this program.</returns>
    private static async Task<long?> TryRemoveAsync(string path, TimeProvider time)
    {
        // Other users may write to the parent, as to /var/tmp: links and other users' folders are not followed.
        if (!LocalFile.IsOwnFolder(path) || !File.Exists(Path.Combine(path, LockName)))
        {
            return null;
        }

        using KernelLock? folderLock = await LockAsync(path, time);
        if (folderLock is null)
        {
            return null;
        }

        long bytes = Directory.GetFiles(path).Sum(LocalFile.AllocatedBytes);
        Directory.Delete(path, recursive: true);
        return bytes;
    }

    private static Task<KernelLock?> LockAsync(string path, TimeProvider time) =>
        KernelLock.AcquireAsync(Path.Combine(path, LockName), TimeSpan.Zero, time, CancellationToken.None);

    [GeneratedRegex(@"^kvmbackup-restore-[a-z0-9]{8}\.[a-z0-9]{3}$")]
    private static partial Regex Name();
}
