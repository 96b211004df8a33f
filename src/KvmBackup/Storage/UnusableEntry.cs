using KvmBackup.Model;

namespace KvmBackup.Storage;

/// <summary>Something among a domain's backups that is none, and why: never counted, always told.</summary>
/// <param name="Name">Of the directory.</param>
/// <param name="Reason">For people.</param>
/// <param name="Cause">For programs.</param>
/// <param name="Remains">What its manifest tells, when that can be read and the archive is there; only to be verified.</param>
public sealed record UnusableEntry(string Name, string Reason, UnusableCause Cause, CompletedBackup? Remains = null);
