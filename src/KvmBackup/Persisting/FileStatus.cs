using KvmBackup.Model;

namespace KvmBackup.Persisting;

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
