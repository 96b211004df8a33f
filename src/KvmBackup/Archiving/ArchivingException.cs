namespace KvmBackup.Archiving;

/// <summary>An archive that cannot be written, or that is not as it was written.</summary>
public sealed class ArchivingException(
    string message, ExitCode exitCode = ExitCode.Failed, Exception? innerException = null)
    : KvmBackupException(message, exitCode, innerException);
