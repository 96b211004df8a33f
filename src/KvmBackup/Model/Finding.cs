namespace KvmBackup.Model;

/// <summary>One thing that was looked at.</summary>
/// <param name="Subject">What: a program, a directory, a domain.</param>
/// <param name="Severity">How it is.</param>
/// <param name="Text">What was found.</param>
/// <param name="Mend">What to do; null when nothing is to be done.</param>
public sealed record Finding(string Subject, FindingSeverity Severity, string Text, string? Mend)
{
    /// <summary>A backup is damaged.</summary>
    public bool IsDamage { get; init; }
}
