namespace KvmBackup.Model.Policy;

/// <summary>The current location of the backup directory.</summary>
/// <param name="DirectoryPath">The backup directory.</param>
/// <param name="MountPoint">Mount point of its file system; <c>/</c> for the root file system.</param>
/// <param name="Source">The mounted source: a device, or <c>server:/export</c>.</param>
/// <param name="DeclaredMountPoint">Mount point in /etc/fstab of another file system for it; null for none.</param>
/// <param name="MarkerId">ID in the marker file; null when there is no marker.</param>
public sealed record TargetFacts(
    string DirectoryPath, string MountPoint, string Source, string? DeclaredMountPoint, string? MarkerId)
{
    public bool IsOnRoot => MountPoint == "/";
}

/// <summary>The location of the backup directory at its first use by this host.</summary>
/// <param name="FormatVersion">A reader refuses any other.</param>
/// <param name="DirectoryPath">The backup directory.</param>
/// <param name="MountPoint">Mount point of its file system.</param>
/// <param name="Source">The mounted source.</param>
/// <param name="MarkerId">ID in its marker file.</param>
public sealed record KnownTarget(
    int FormatVersion, string DirectoryPath, string MountPoint, string Source, string MarkerId)
{
    public const int CurrentFormatVersion = 1;
}

/// <summary>Whether a backup may be written to the backup directory at its current location.</summary>
/// <param name="Refusal">Why not, and what to do; null when it may.</param>
/// <param name="Notice">A notice for the operator; null for none.</param>
/// <param name="IsFirstUse">The target must be marked and recorded.</param>
public sealed record TargetDecision(string? Refusal, string? Notice, bool IsFirstUse);

/// <summary>Whether the backup directory must lie on a mounted file system.</summary>
public enum MountRequirement
{
    /// <summary>It must be the file system of its first use: the one with the marker file.</summary>
    Auto,

    /// <summary>Never the root file system.</summary>
    Required,

    /// <summary>No requirement.</summary>
    None,
}
