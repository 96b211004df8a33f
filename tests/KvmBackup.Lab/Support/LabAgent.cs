namespace KvmBackup.Lab.Support;

/// <summary>How the guest agent of a lab guest behaves.</summary>
public enum LabAgent
{
    /// <summary>The real one, in good health.</summary>
    Ok,

    /// <summary>Neither agent nor channel.</summary>
    None,

    /// <summary>The channel is open, and nobody ever answers.</summary>
    Hang,

    /// <summary>The real one, whose freeze hook fails: every freeze is refused.</summary>
    Refuse,

    /// <summary>The real one, whose freeze hook never returns: it answers until a freeze, and then no more.</summary>
    Stall,
}
