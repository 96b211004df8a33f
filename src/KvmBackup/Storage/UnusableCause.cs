namespace KvmBackup.Storage;

/// <summary>Why a directory among the backups is not one.</summary>
public enum UnusableCause
{
    /// <summary>Of a run that did not get to its end, or of a deletion; the next run removes it.</summary>
    Leftover,

    /// <summary>It was published, and is no longer as it was.</summary>
    Damaged,

    /// <summary>Another version of this program wrote it.</summary>
    OtherFormat,

    /// <summary>The file system refuses to show it.</summary>
    Unreadable,

    /// <summary>Not ours: nothing here touches it.</summary>
    Foreign,
}
