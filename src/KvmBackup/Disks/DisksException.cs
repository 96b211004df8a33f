namespace KvmBackup.Disks;

/// <summary>A disk image that cannot be read, written or trusted.</summary>
public sealed class DisksException(
    string message, ExitCode exitCode = ExitCode.Failed, Exception? innerException = null)
    : KvmBackupException(message, exitCode, innerException);
