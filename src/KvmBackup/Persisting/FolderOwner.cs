using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Persisting;

/// <summary>
/// Whether nobody but us and root can change what is in a domain's folder. Some file systems cannot represent that: on NFS
/// with root_squash all is owned by nobody, on CIFS by the user of the mount. So what looks foreign is compared with a new
/// folder of our own.
/// </summary>
internal static class FolderOwner
{
    private const int ReadOnlyFileSystem = 30;
    private const UnixFileMode WriteOfOthers = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    /// <exception cref="RefusedPathException">Others own it or may write to it, with the command that changes it.</exception>
    public static void Demand(SafeFileHandle folder, string path)
    {
        FileStatus status = FolderCalls.StatusOf(folder, path);
        uint own = FolderCalls.EffectiveUser();
        bool isForeign = status.Owner != own && status.Owner != 0;
        UnixFileMode open = status.Mode & WriteOfOthers;
        if ((!isForeign && open == 0) || IsHowNewOnesLook(folder, path, status, isForeign))
        {
            return;
        }

        string quoted = Model.Identifiers.ShellWord.Quote(path);
        throw new RefusedPathException(isForeign
            ? $"'{path}' belongs to the user with ID {status.Owner}, who could put anything there; if its backups can be "
                + $"trusted: chown -R {own} {quoted} ; chmod go-w {quoted}"
            : $"'{path}' can be written by others, who could put anything there; if its backups can be trusted: chmod go-w {quoted}");
    }

    private static bool IsHowNewOnesLook(SafeFileHandle folder, string path, FileStatus status, bool isForeign)
    {
        string name = $".kvmbackup-probe-{Guid.NewGuid():N}";
        try
        {
            _ = FolderCalls.TryMakeFolder(folder, name, path);
            FileStatus? made = FolderCalls.Find(folder, FolderCalls.Bytes(name), path);
            FolderCalls.Remove(folder, FolderCalls.Bytes(name), isFolder: true, path);
            return made is not null && (!isForeign || made.Owner == status.Owner)
                && (status.Mode & WriteOfOthers & ~made.Mode) == 0;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // What is mounted read-only cannot be changed under us here, whoever owns it. All else: cannot be proven.
            return failure.HResult == ReadOnlyFileSystem;
        }
    }
}

/// <summary>What the kernel states of one file, links not followed.</summary>
/// <param name="Type">The type bits of its mode.</param>
/// <param name="Mode">Its permission bits.</param>
/// <param name="Owner">The user ID of its owner.</param>
/// <param name="Links">How many names it has.</param>
/// <param name="SizeBytes">Of a regular file.</param>
/// <param name="ModifiedAt">When its content was last changed, by the clock of its file system.</param>
/// <param name="Identity">Which file it is.</param>
public sealed record FileStatus(
    int Type, UnixFileMode Mode, uint Owner, uint Links, long SizeBytes, DateTimeOffset ModifiedAt, FileIdentity Identity)
{
    private const int RegularType = 0x8000;
    private const int FolderType = 0x4000;
    private const int LinkType = 0xA000;

    public bool IsRegular => Type == RegularType;

    public bool IsFolder => Type == FolderType;

    public bool IsLink => Type == LinkType;
}
