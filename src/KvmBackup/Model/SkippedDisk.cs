namespace KvmBackup.Model;

/// <summary>A disk that a backup leaves out, and why.</summary>
public sealed record SkippedDisk(DiskTarget Target, string Reason);
