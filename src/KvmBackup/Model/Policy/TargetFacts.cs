namespace KvmBackup.Model.Policy;

/// <summary>Where the backup directory lies now.</summary>
/// <param name="DirectoryPath">The backup directory.</param>
/// <param name="MountPoint">Of the file system that it is on, <c>/</c> for the root file system.</param>
/// <param name="Source">What is mounted there: a device, or <c>server:/export</c>.</param>
/// <param name="DeclaredMountPoint">Where /etc/fstab wants another file system that would hold it; null when nowhere.</param>
/// <param name="MarkerId">The ID in the marker file; null when there is no marker.</param>
public sealed record TargetFacts(
    string DirectoryPath, string MountPoint, string Source, string? DeclaredMountPoint, string? MarkerId)
{
    public bool IsOnRoot => MountPoint == "/";
}

/// <summary>How this host saw its backup directory at the first use.</summary>
/// <param name="FormatVersion">A reader refuses any other.</param>
/// <param name="DirectoryPath">The backup directory.</param>
/// <param name="MountPoint">Of its file system at that time.</param>
/// <param name="Source">What was mounted there.</param>
/// <param name="MarkerId">The ID in its marker file.</param>
public sealed record KnownTarget(int FormatVersion, string DirectoryPath, string MountPoint, string Source, string MarkerId)
{
    public const int CurrentFormatVersion = 1;
}

/// <summary>Whether a backup may be written to the backup directory as it lies now.</summary>
/// <param name="Refusal">Why not, and what to do; null when it may.</param>
/// <param name="Notice">What an operator should know; null when there is nothing new.</param>
/// <param name="IsFirstUse">The target must be marked and remembered.</param>
public sealed record TargetDecision(string? Refusal, string? Notice, bool IsFirstUse);

/// <summary>Whether the backup directory must lie on a mounted file system.</summary>
public enum MountRequirement
{
    /// <summary>As it was at its first use: the file system that has the marker file.</summary>
    Auto,

    /// <summary>Never the root file system.</summary>
    Required,

    /// <summary>Nothing is asked.</summary>
    None,
}
