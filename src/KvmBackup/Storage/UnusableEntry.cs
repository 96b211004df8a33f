namespace KvmBackup.Storage;

/// <summary>Something among a domain's backups that is none, and why: never counted, always told.</summary>
public sealed record UnusableEntry(string Name, string Reason, UnusableCause Cause);
