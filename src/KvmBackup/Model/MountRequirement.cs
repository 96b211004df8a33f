namespace KvmBackup.Model;

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
