namespace KvmBackup.Model;

/// <summary>What holds a disk at an instant, as far as we know.</summary>
public enum PinState
{
    /// <summary>The overlay may be there: the journal is written first.</summary>
    Planned,

    /// <summary>Both definitions of the domain were seen on the overlay.</summary>
    Pinned,

    /// <summary>The disk may be on either: from here on a definition that shows the base has all that the guest wrote.</summary>
    Releasing,

    /// <summary>Both definitions were seen on the base, and the overlay is gone.</summary>
    Released,
}
