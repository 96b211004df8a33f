using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Persisting;

/// <summary>
/// Checks that only root and this user can change a domain's folder. Some file systems cannot represent that: on NFS
/// with
/// root_squash the owner is nobody, on CIFS the user of the mount. So the folder is compared with a new one.
/// </summary>
internal static class FolderOwner
{
    private const int ReadOnlyFileSystem = 30;
    private const UnixFileMode WriteOfOthers = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    /// <exception cref="RefusedPathException">Others own it or may write to it; the message has the command to change
    /// it.</exception>
    public static void Demand(SafeFileHandle folder, string path)
    {
        FileStatus status = FolderCalls.StatusOf(folder, path);
        uint own = FolderCalls.EffectiveUser();
        bool isForeign = status.Owner != own && status.Owner != 0;
        UnixFileMode open = status.Mode & WriteOfOthers;
        if ((!isForeign && open == 0) || MatchesNewFolder(folder, path, status, isForeign))
        {
            return;
        }

        string quoted = Model.Identifiers.ShellWord.Quote(path);
        throw new RefusedPathException(isForeign
            ? $"'{path}' belongs to the user with ID {status.Owner}, who can change its content; if its backups can be "
                + $"trusted: chown -R {own} {quoted} ; chmod go-w {quoted}"
            : $"'{path}' can be written by others, who can change its content; if its backups can be trusted: chmod "
                + $"go-w {quoted}");
    }

    private static bool MatchesNewFolder(SafeFileHandle folder, string path, FileStatus status, bool isForeign)
    {
        string name = $".kvmbackup-probe-{Guid.NewGuid():N}";
        try
        {
            _ = FolderCalls.TryMakeFolder(folder, name, path);
            FileStatus? created = FolderCalls.Find(folder, FolderCalls.Bytes(name), path);
            FolderCalls.Remove(folder, FolderCalls.Bytes(name), isFolder: true, path);
            return created is not null && (!isForeign || created.Owner == status.Owner)
                && (status.Mode & WriteOfOthers & ~created.Mode) == 0;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // A file system mounted read-only cannot be changed here by anyone. Any other failure proves nothing.
            return failure.HResult == ReadOnlyFileSystem;
        }
    }
}

/// <summary>The status of one file, links not followed.</summary>
/// <param name="Type">The type bits of its mode.</param>
/// <param name="Mode">Its permission bits.</param>
/// <param name="Owner">The user ID of its owner.</param>
/// <param name="Links">Number of names.</param>
/// <param name="SizeBytes">Size of a regular file.</param>
/// <param name="ModifiedAt">Time of the last change, by the clock of its file system.</param>
/// <param name="Identity">Device and inode.</param>
public sealed record FileStatus(
    int Type, UnixFileMode Mode, uint Owner, uint Links, long SizeBytes, DateTimeOffset ModifiedAt,
    FileIdentity Identity)
{
    private const int RegularType = 0x8000;
    private const int FolderType = 0x4000;
    private const int LinkType = 0xA000;

    public bool IsRegular => Type == RegularType;

    public bool IsFolder => Type == FolderType;

    public bool IsLink => Type == LinkType;
}
