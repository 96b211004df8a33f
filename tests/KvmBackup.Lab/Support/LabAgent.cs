namespace KvmBackup.Lab.Support;

/// <summary>How the guest agent of a lab guest behaves.</summary>
public enum LabAgent
{
    /// <summary>The real agent, without faults.</summary>
    Ok,

    /// <summary>Neither agent nor channel.</summary>
    None,

    /// <summary>The channel is open, without any answer.</summary>
    Hang,

    /// <summary>The real agent, whose freeze hook fails: every freeze is refused.</summary>
    Refuse,

    /// <summary>The real agent, whose freeze hook never returns: it answers until a freeze.</summary>
    Stall,
}
