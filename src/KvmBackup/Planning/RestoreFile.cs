using KvmBackup.Model;

namespace KvmBackup.Planning;

/// <summary>One file that a restore writes.</summary>
/// <param name="MemberName">The member below the domain's folder in the archive.</param>
/// <param name="FilePath">Where it goes.</param>
/// <param name="WhenExisting">What is done when something is there already.</param>
/// <param name="IsBlockDevice">It goes onto an existing block device.</param>
/// <param name="Backing">The backing file that its header is to name from now on; null leaves the header as it is.</param>
/// <param name="IsQcow2">It is a qcow2 image, whose metadata can be checked.</param>
public sealed record RestoreFile(
    string MemberName,
    string FilePath,
    ExistingFileRule WhenExisting,
    bool IsBlockDevice,
    RestoreBacking? Backing,
    bool IsQcow2)
{
    /// <summary>The disk whose chain it is put together from; null for a member that is written as it is.</summary>
    public DiskTarget? Assembled { get; init; }
}
