namespace KvmBackup.Planning;

/// <summary>What a person can do about a disk that recovery leaves alone.</summary>
public enum RecoveryAdvice
{
    /// <summary>Nothing that can be said in a command: the reason tells all.</summary>
    None,

    /// <summary>The guest does not use the overlay: what it holds goes into the base, or away.</summary>
    KeepOrDiscard,

    /// <summary>The overlay is committed from below the file that depends on it.</summary>
    CommitBelow,

    /// <summary>Nothing can be committed; the file is kept elsewhere, or goes away.</summary>
    PutAside,
}
