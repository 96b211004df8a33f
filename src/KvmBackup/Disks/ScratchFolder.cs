using System.Text.RegularExpressions;
using KvmBackup.Persisting;

namespace KvmBackup.Disks;

/// <summary>
/// A private folder for disks that QEMU has to read before they can go where they are wanted. Gone with its scope; one that
/// a killed program has left, which its lock tells, is removed by the next.
/// </summary>
public sealed partial class ScratchFolder : IDisposable
{
    private const string Prefix = "kvmbackup-restore-";
    private const string NewSuffix = ".new";
    private const string LockName = ".lock";
    private const string UsualParent = "/var/tmp";

    private readonly KernelLock held;

    private ScratchFolder(string path, KernelLock held) => (DirectoryPath, this.held) = (path, held);

    public string DirectoryPath { get; }

    /// <summary>Where such a folder is made if nothing else is near: <c>TMPDIR</c>, or <c>/var/tmp</c>, which unlike
    /// <c>/tmp</c> is on a disk.</summary>
    public static string DefaultParent =>
        Environment.GetEnvironmentVariable("TMPDIR") is { Length: > 0 } path ? Path.GetFullPath(path) : UsualParent;

    /// <summary>Where one may have been left: cron's environment and an operator's need not be the same.</summary>
    public static IReadOnlyList<string> UsualParents => [.. new[] { DefaultParent, UsualParent }.Distinct()];

    /// <returns>What speaks against such a folder; null for nothing.</returns>
    public static string? Refuse(string parentPath, long neededBytes) =>
        !Directory.Exists(parentPath) ? $"{parentPath} is not there: set TMPDIR to a folder"
        : LocalFile.AvailableBytes(parentPath) is long available && available >= neededBytes ? null
        : $"{parentPath} has {ByteSize.Format(available)} left and {ByteSize.Format(neededBytes)} are needed to unpack a disk for "
            + "qemu-img: make room, or set TMPDIR to another folder";

    /// <exception cref="DisksException">It cannot be made.</exception>
    public static async Task<ScratchFolder> CreateAsync(string parentPath, TimeProvider time)
    {
        string path = Path.Combine(parentPath, Prefix + Path.GetRandomFileName());
        try
        {
            // It gets the name by which others find it when it is locked: nobody takes it for one that was left.
            _ = Directory.CreateDirectory(path + NewSuffix, DurableFile.DirectoryMode);
            KernelLock held = await LockAsync(path + NewSuffix, time)
                ?? throw new DisksException($"Cannot lock {path + NewSuffix}: somebody else has it.");
            Directory.Move(path + NewSuffix, path);
            return new ScratchFolder(path, held);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DisksException($"Cannot make {path}: {failure.Message}", ExitCode.Failed, failure);
        }
    }

    /// <summary>Removes those that killed programs have left: by their name, of this user, and locked by nobody.</summary>
    /// <returns>What was done, and what could not be.</returns>
    public static async Task<IReadOnlyList<string>> RemoveLeftAsync(IReadOnlyList<string> parentPaths, TimeProvider time)
    {
        List<string> deeds = [];
        foreach (string path in parentPaths.SelectMany(Find))
        {
            try
            {
                if (Name().IsMatch(Path.GetFileName(path)) && await TryRemoveAsync(path, time) is { } bytes)
                {
                    deeds.Add($"removed {path}, which a killed restore had left ({ByteSize.Format(bytes)})");
                }
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or KvmBackupException)
            {
                deeds.Add($"{path} was left by a killed restore and cannot be removed: {failure.Message}");
            }
        }

        return deeds;
    }

    public void Dispose()
    {
        Directory.Delete(DirectoryPath, recursive: true);
        held.Dispose();
    }

    // What cannot be looked into holds nothing of ours.
    private static string[] Find(string parentPath) => Directory.Exists(parentPath)
        ? [.. Directory.EnumerateDirectories(parentPath, Prefix + "*", new EnumerationOptions { IgnoreInaccessible = true, AttributesToSkip = 0 })]
        : [];

    /// <returns>How large it was; null when it is not one of ours, or somebody's.</returns>
    private static async Task<long?> TryRemoveAsync(string path, TimeProvider time)
    {
        // The folders above may be anybody's to write, as /var/tmp is: a link or another's folder is not followed.
        if (!LocalFile.IsOwnFolder(path) || !File.Exists(Path.Combine(path, LockName)))
        {
            return null;
        }

        using KernelLock? held = await LockAsync(path, time);
        if (held is null)
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
