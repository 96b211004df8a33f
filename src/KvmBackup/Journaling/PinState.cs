namespace KvmBackup.Journaling;

/// <summary>What holds a disk at an instant, as far as we know.</summary>
public enum PinState
{
    /// <summary>It may be there: the journal is written first.</summary>
    Planned,
    Pinned,

    /// <summary>Both definitions of the domain were seen on the base, and the overlay is gone.</summary>
    Released,
}
