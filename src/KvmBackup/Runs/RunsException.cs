namespace KvmBackup.Runs;

/// <summary>A run that cannot begin or cannot go on.</summary>
public sealed class RunsException(string message, ExitCode exitCode = ExitCode.Failed, Exception? innerException = null)
    : KvmBackupException(message, exitCode, innerException);
