namespace KvmBackup.Lab.Support;

/// <summary>How a call of a program goes wrong.</summary>
public enum ProgramFault
{
    /// <summary>It does nothing, and says so by its exit status.</summary>
    Fail,

    /// <summary>It does nothing, prints nothing, and ends as if it had gone well.</summary>
    Silence,

    /// <summary>It does its work, prints the beginning of its answer, and ends as if it had gone well.</summary>
    Cut,

    /// <summary>It does its work, prints nothing, and ends as if it had failed.</summary>
    LostAnswer,

    /// <summary>It does nothing, for longer than anybody waits.</summary>
    Hang,
}
