namespace KvmBackup.Model;

/// <summary>How much the operator wants the guest frozen.</summary>
public enum QuiesceMode
{
    /// <summary>Freeze when the agent can; otherwise go on, and say so.</summary>
    Try,

    /// <summary>No backup without a freeze.</summary>
    Require,

    /// <summary>Do not ask the agent.</summary>
    Off,
}
