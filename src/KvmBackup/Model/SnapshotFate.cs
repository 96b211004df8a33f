namespace KvmBackup.Model;

/// <summary>What may be done with a snapshot.</summary>
public enum SnapshotFate
{
    /// <summary>Something needs it.</summary>
    Kept,

    /// <summary>Nothing needs it any more.</summary>
    Removable,

    /// <summary>It looks like one of ours, but no backup knows it: nobody but an operator removes it.</summary>
    Unknown,
}
