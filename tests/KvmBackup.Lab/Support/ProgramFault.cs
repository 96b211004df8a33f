namespace KvmBackup.Lab.Support;

/// <summary>The ways in which a call of a program fails.</summary>
public enum ProgramFault
{
    /// <summary>It does nothing, and reports failure by its exit status.</summary>
    Fail,

    /// <summary>It does nothing, prints nothing, and reports success.</summary>
    Silence,

    /// <summary>It does its work, prints the beginning of its output, and reports success.</summary>
    Cut,

    /// <summary>It does its work, prints nothing, and reports failure.</summary>
    LostAnswer,

    /// <summary>It does nothing, for longer than every time limit.</summary>
    Hang,
}
