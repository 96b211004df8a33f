using KvmBackup.Model;

namespace KvmBackup.Planning;

/// <summary>Which snapshot of somebody else's is read.</summary>
/// <param name="Snapshot">The one to read; null for none.</param>
/// <param name="IsDone">There is none since it is backed up already, which is no failure.</param>
/// <param name="Reason">Why this one, or why none and what to do.</param>
public sealed record ExternalDecision(RbdSnapshot? Snapshot, bool IsDone, string Reason);
