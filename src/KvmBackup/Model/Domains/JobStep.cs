namespace KvmBackup.Model.Domains;

/// <summary>
/// The steps of the sacred order, in their order: after each of them a run can die, and recovery must know what to do.
/// </summary>
public enum JobStep
{
    /// <summary>What is planned is in the journal; nothing has changed.</summary>
    Intent,

    /// <summary>In the journal: freeze, pin and thaw come next, and may have happened.</summary>
    Freezing,

    /// <summary>The agent has frozen the guest.</summary>
    Frozen,

    /// <summary>All overlays are on, and the guest is still frozen.</summary>
    Snapshotted,

    /// <summary>The guest is thawed.</summary>
    Thawed,

    /// <summary>In the journal: both definitions of the domain show the overlays.</summary>
    Pinned,

    /// <summary>One disk is read.</summary>
    Read,

    /// <summary>In the journal: one disk is about to go back to its base, and may have.</summary>
    Releasing,

    /// <summary>The block job of that disk was asked for.</summary>
    Committing,

    /// <summary>The block job has copied all and waits.</summary>
    Ready,

    /// <summary>The pivot was asked for.</summary>
    Pivoted,

    /// <summary>QEMU may not write to the base, so the guest is stopped, with its memory in libvirt's managed save.</summary>
    Saved,

    /// <summary>The overlay is committed, and the saved guest and its definition are on the base.</summary>
    SavedOnBase,

    /// <summary>Both definitions show the base; the overlay is still there.</summary>
    OnBase,

    /// <summary>In the journal: the overlay is gone.</summary>
    Released,

    /// <summary>The archive is whole.</summary>
    Completed,

    /// <summary>It is a backup.</summary>
    Published,

    /// <summary>The journal has forgotten the job.</summary>
    Closed,

    /// <summary>A Ceph cluster holds only those of our snapshots that the next backup stands on.</summary>
    Trimmed,

    /// <summary>The full backup that is to take an increment's place is whole and proven, under a name that is none yet.</summary>
    MergeProven,

    /// <summary>It is a backup, and the increment is still there.</summary>
    MergePublished,

    /// <summary>The increment is gone.</summary>
    Merged,

    /// <summary>Old backups are gone.</summary>
    Retained,
}
