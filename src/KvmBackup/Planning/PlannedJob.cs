using KvmBackup.Configuration;

namespace KvmBackup.Planning;

/// <summary>Whether a domain runs now, and why or why not.</summary>
public sealed record PlannedJob(DomainSettings Domain, bool IsDue, string Reason);
