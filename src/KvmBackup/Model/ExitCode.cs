namespace KvmBackup.Model;

/// <summary>What the program tells its caller; the worst of a run wins.</summary>
public enum ExitCode
{
    Done = 0,
    Failed = 1,
    Usage = 2,
    SomeDomainsFailed = 3,
    DamageFound = 4,
    GuestNeedsPerson = 5,
    AlreadyRunning = 11,
    Interrupted = 130,

    /// <summary>Who read the output ended first, as for a program that SIGPIPE ends.</summary>
    BrokenPipe = 141,
    Terminated = 143,
}
