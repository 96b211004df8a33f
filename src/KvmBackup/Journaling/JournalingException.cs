namespace KvmBackup.Journaling;

/// <summary>The journal cannot be read or written, or has an entry that is still open.</summary>
public sealed class JournalingException(
    string message, ExitCode exitCode = ExitCode.Failed, Exception? innerException = null)
    : KvmBackupException(message, exitCode, innerException);
