namespace KvmBackup.Model.Domains;

/// <summary>
/// The steps of a backup, in order. A run can be killed after each step, and recovery must handle every one.
/// </summary>
public enum JobStep
{
    /// <summary>The plan is in the journal; nothing has changed.</summary>
    Intent,

    /// <summary>In the journal: freeze, snapshot and thaw come next and may have happened.</summary>
    Freezing,

    /// <summary>The agent has frozen the guest.</summary>
    Frozen,

    /// <summary>The guest is on its overlays and still frozen.</summary>
    Snapshotted,

    /// <summary>The guest is thawed.</summary>
    Thawed,

    /// <summary>In the journal: both definitions of the domain show the overlays.</summary>
    Pinned,

    /// <summary>One disk is read.</summary>
    Read,

    /// <summary>In the journal: the return of one disk to its base comes next and may have happened.</summary>
    Releasing,

    /// <summary>The block job of that disk was started.</summary>
    Committing,

    /// <summary>The block job has copied all data and is ready to pivot.</summary>
    Ready,

    /// <summary>The pivot was requested.</summary>
    Pivoted,

    /// <summary>QEMU may not write to the base, so the guest is stopped by libvirt's managed save.</summary>
    Saved,

    /// <summary>The overlay is committed; the saved guest and its definition are on the base.</summary>
    SavedOnBase,

    /// <summary>Both definitions name the base; the overlay still exists.</summary>
    OnBase,

    /// <summary>In the journal: the overlay is removed.</summary>
    Released,

    /// <summary>The archive is complete.</summary>
    Completed,

    /// <summary>The backup is published.</summary>
    Published,

    /// <summary>The journal's entry is deleted.</summary>
    Closed,

    /// <summary>The Ceph cluster holds only those of our snapshots that the next backup depends on.</summary>
    Trimmed,

    /// <summary>The full backup that replaces an increment is complete and verified, but not yet published.</summary>
    MergeProven,

    /// <summary>The merged backup is published, and the increment still exists.</summary>
    MergePublished,

    /// <summary>The increment is removed.</summary>
    Merged,

    /// <summary>Retention is complete.</summary>
    Retained,
}
