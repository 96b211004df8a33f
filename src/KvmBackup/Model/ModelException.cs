namespace KvmBackup.Model;

/// <summary>A name or value from outside that cannot be one of ours.</summary>
public sealed class ModelException(string message) : KvmBackupException(message, ExitCode.Usage);
