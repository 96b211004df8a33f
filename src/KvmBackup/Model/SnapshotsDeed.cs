namespace KvmBackup.Model;

/// <summary>What an operator wants of our snapshots in a cluster.</summary>
public enum SnapshotsDeed
{
    /// <summary>To see them.</summary>
    List,

    /// <summary>To have those removed that nothing needs.</summary>
    Trim,

    /// <summary>To have all removed: the next backup is a full one.</summary>
    Reset,
}
