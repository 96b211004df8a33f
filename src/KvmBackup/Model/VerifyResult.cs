namespace KvmBackup.Model;

/// <summary>What verifying found in one backup.</summary>
public sealed record VerifyResult(CompletedBackup Backup, TimeSpan Elapsed, IReadOnlyList<ArchiveDamage> Damages);
