namespace KvmBackup.Model.Identifiers;

/// <summary>
/// The base of every expected failure. The message states what failed, on which domain and disk, what the other program
/// reported, and what to do.
/// </summary>
public abstract class KvmBackupException(string message, ExitCode exitCode, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>The exit code of the program, unless another failure has a worse one.</summary>
    public ExitCode ExitCode { get; } = exitCode;
}

/// <summary>An invalid name or value from outside.</summary>
public sealed class ModelException(string message) : KvmBackupException(message, ExitCode.Usage);

/// <summary>The exit codes of the program. The worst of a run takes precedence.</summary>
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

    /// <summary>The reader of the output ended first, as with SIGPIPE.</summary>
    BrokenPipe = 141,
    Terminated = 143,
}
