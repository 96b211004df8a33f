namespace KvmBackup.Guarding;

/// <summary>What watches over a run cannot be had.</summary>
public sealed class GuardingException(string message, Exception? innerException = null)
    : KvmBackupException(message, ExitCode.Failed, innerException);
