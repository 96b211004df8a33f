namespace KvmBackup.Model;

/// <summary>The type attribute of a libvirt disk.</summary>
public enum DiskSourceType
{
    /// <summary>No medium: an empty drive.</summary>
    None,
    File,
    Block,
    Network,
    Volume,
    Other,
}
