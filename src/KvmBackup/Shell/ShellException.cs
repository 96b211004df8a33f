using KvmBackup.Model;

namespace KvmBackup.Shell;

/// <summary>A program that cannot be started, or that did not end in its time.</summary>
public sealed class ShellException(string message, bool isProgramMissing, Exception? innerException = null)
    : KvmBackupException(message, ExitCode.Failed, innerException)
{
    /// <summary>The program is not on this host.</summary>
    public bool IsProgramMissing { get; } = isProgramMissing;
}
