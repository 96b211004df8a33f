namespace KvmBackup.Model;

/// <summary>What is told about a backup next to its source.</summary>
/// <param name="Domain">Whose backup.</param>
/// <param name="Id">Which backup.</param>
/// <param name="Source">What it was compared with: the domain or image by its name today.</param>
/// <param name="Consistency">How the source was held while it was read.</param>
/// <param name="Files">Each file of each disk.</param>
/// <param name="Recovery">What an interrupted run had left, which comes first.</param>
/// <param name="Warnings">What an operator should know.</param>
/// <param name="Troubles">What a person must mend in the guest.</param>
/// <param name="Elapsed">How long it took.</param>
public sealed record CompareReport(
    DomainName Domain, BackupId Id, DomainName Source, Consistency Consistency, IReadOnlyList<FileComparison> Files,
    RecoveryReport Recovery, IReadOnlyList<string> Warnings, IReadOnlyList<string> Troubles, TimeSpan Elapsed)
{
    public bool IsSame => Files.All(file => file.Verdict == ComparisonVerdict.Same);

    /// <summary>A difference has the code of damage: either way the backup is not what the source is.</summary>
    public ExitCode ExitCode => Troubles.Count > 0 || Recovery.ExitCode == ExitCode.GuestNeedsPerson ? ExitCode.GuestNeedsPerson
        : IsSame ? ExitCode.Done : ExitCode.DamageFound;
}
