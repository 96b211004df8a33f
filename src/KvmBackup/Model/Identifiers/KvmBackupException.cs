namespace KvmBackup.Model.Identifiers;

/// <summary>
/// The base of every expected failure. The message says what failed, on which domain and disk, what the other
/// program said, and what to do.
/// </summary>
public abstract class KvmBackupException(string message, ExitCode exitCode, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>The code the program ends with when nothing else is worse.</summary>
    public ExitCode ExitCode { get; } = exitCode;
}

/// <summary>A name or value from outside that cannot be one of ours.</summary>
public sealed class ModelException(string message) : KvmBackupException(message, ExitCode.Usage);

/// <summary>What the program tells its caller; the worst of a run wins.</summary>
public enum ExitCode
{
    Done = 0,
    Failed = 1,
    Usage = 2,
    SomeDomainsFailed = 3,
    DamageFound = 4,
    ManualActionRequired = 5,
    AlreadyRunning = 11,
    Interrupted = 130,

    /// <summary>Who read the output ended first, as for a program that SIGPIPE ends.</summary>
    BrokenPipe = 141,
    Terminated = 143,
}
