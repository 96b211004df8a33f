using KvmBackup.Model;

namespace KvmBackup.Disks;

/// <summary>A disk image that cannot be read, written or trusted.</summary>
public sealed class DisksException(string message, ExitCode exitCode = ExitCode.Failed, Exception? innerException = null)
    : KvmBackupException(message, exitCode, innerException)
{
    /// <summary>The cluster refused what it was asked, so that it certainly did not do it.</summary>
    public bool IsRefusal { get; init; }
}
