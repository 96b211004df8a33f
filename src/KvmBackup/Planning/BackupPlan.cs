namespace KvmBackup.Planning;

/// <summary>A verdict on every configured domain, in the order of the configuration.</summary>
public sealed record BackupPlan(IReadOnlyList<PlannedJob> Jobs);
