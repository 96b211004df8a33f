namespace KvmBackup.Model;

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
