namespace KvmBackup.Planning;

/// <summary>A wish that no plan can be made of.</summary>
public sealed class PlanningException(string message) : KvmBackupException(message, ExitCode.Usage);
