namespace KvmBackup.Planning;

/// <summary>A request that cannot be planned.</summary>
public sealed class PlanningException(string message) : KvmBackupException(message, ExitCode.Usage);
