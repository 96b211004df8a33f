namespace KvmBackup.Archiving.Primitives;

/// <summary>A failure to write an archive, or damage found in one.</summary>
public sealed class ArchivingException(
    string message, ExitCode exitCode = ExitCode.Failed, Exception? innerException = null)
    : KvmBackupException(message, exitCode, innerException);
