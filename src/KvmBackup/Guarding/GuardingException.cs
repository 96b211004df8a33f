namespace KvmBackup.Guarding;

/// <summary>The recovery watcher or the shutdown delay is not available.</summary>
public sealed class GuardingException(string message, Exception? innerException = null)
    : KvmBackupException(message, ExitCode.Failed, innerException);
