namespace KvmBackup.Model;

/// <summary>The weekdays on which a domain is due.</summary>
public sealed record Schedule(IReadOnlyList<DayOfWeek> Days);
