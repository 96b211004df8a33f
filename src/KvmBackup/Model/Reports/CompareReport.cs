namespace KvmBackup.Model.Reports;

/// <summary>What is told about a backup next to its source.</summary>
/// <param name="Domain">Whose backup.</param>
/// <param name="Id">Which backup.</param>
/// <param name="Source">What it was compared with: the domain or image by its name today.</param>
/// <param name="Consistency">How the source was held while it was read.</param>
/// <param name="Files">Each file of each disk.</param>
/// <param name="Recovery">What an interrupted run had left, which comes first.</param>
/// <param name="Warnings">What an operator should know.</param>
/// <param name="ManualActions">What an operator must repair in the guest.</param>
/// <param name="Elapsed">How long it took.</param>
public sealed record CompareReport(
    DomainName Domain, BackupId Id, DomainName Source, Consistency Consistency, IReadOnlyList<FileComparison> Files,
    RecoveryReport Recovery, IReadOnlyList<string> Warnings, IReadOnlyList<string> ManualActions, TimeSpan Elapsed)
{
    public bool IsSame => Files.All(file => file.Verdict == ComparisonVerdict.Same);

    /// <summary>A difference has the code of damage: either way the backup is not what the source is.</summary>
    public ExitCode ExitCode =>
        ManualActions.Count > 0 || Recovery.ExitCode == ExitCode.ManualActionRequired ? ExitCode.ManualActionRequired
        : IsSame ? ExitCode.Done : ExitCode.DamageFound;
}

/// <summary>What came of comparing one file of a disk with what a backup holds of it.</summary>
public enum ComparisonVerdict
{
    /// <summary>Every byte is the same.</summary>
    Same,

    /// <summary>Of the same size, and not the same.</summary>
    Different,

    /// <summary>Of another size; the missing end of the shorter one counts as zeros.</summary>
    OtherSize,

    /// <summary>Of another format or with other backing files, so that the bytes say nothing.</summary>
    OtherForm,

    /// <summary>The backup holds it, and the source has it no more, or does not let it be read.</summary>
    Missing,

    /// <summary>The source has it, and the backup does not hold it.</summary>
    NotInBackup,
}

/// <summary>One file of a disk next to what a backup holds of it.</summary>
/// <param name="Target">The disk.</param>
/// <param name="Name">The file in the archive, <c>vda.qcow2</c>; the disk itself where there is none.</param>
/// <param name="Verdict">What came of it.</param>
/// <param name="Note">Why there is nothing more to tell; null otherwise.</param>
public sealed record FileComparison(DiskTarget Target, string Name, ComparisonVerdict Verdict, string? Note = null)
{
    /// <summary>Of the file in the backup; null when there is none.</summary>
    public long? BackupBytes { get; init; }

    /// <summary>Of the source; null when there is none.</summary>
    public long? SourceBytes { get; init; }

    /// <summary>In whole blocks of <see cref="DifferenceBlockBytes"/>.</summary>
    public long DifferentBytes { get; init; }

    /// <summary>The first byte that differs; null when none does.</summary>
    public long? FirstDifferenceBytes { get; init; }

    /// <summary>The first runs of blocks that differ.</summary>
    public IReadOnlyList<Extent> Differences { get; init; } = [];

    /// <summary>How many runs there are, those that are not listed included.</summary>
    public long DifferenceCount { get; init; }

    /// <summary>What a file system writes at least; differences are counted so.</summary>
    public const int DifferenceBlockBytes = 4096;
}
