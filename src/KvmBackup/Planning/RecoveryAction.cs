namespace KvmBackup.Planning;

/// <summary>What recovery does with one disk.</summary>
public enum RecoveryAction
{
    /// <summary>It is as it should be.</summary>
    Nothing,

    /// <summary>Commit the overlay, with the guest running or not, and remove it.</summary>
    Release,

    /// <summary>Point the definition for the next start to the base, and remove the overlay.</summary>
    MendDefinition,

    /// <summary>Remove the overlay, which nobody uses and which holds nothing that the base does not.</summary>
    RemoveOverlay,

    /// <summary>A person must look.</summary>
    LeaveAlone,
}
