namespace KvmBackup.Model.Reports;

/// <summary>The report of a comparison between a backup and its source.</summary>
/// <param name="Domain">The domain or image of the backup.</param>
/// <param name="Id">The backup.</param>
/// <param name="Source">The domain or image that it was compared with, by its current name.</param>
/// <param name="Consistency">The state in which the source was captured.</param>
/// <param name="Files">Each file of each disk.</param>
/// <param name="Recovery">The result of the recovery of an interrupted run, which comes first.</param>
/// <param name="Warnings">Warnings for the operator.</param>
/// <param name="ManualActions">Problems in the guest that require manual action.</param>
/// <param name="Elapsed">Duration.</param>
public sealed record CompareReport(
    DomainName Domain, BackupId Id, DomainName Source, Consistency Consistency, IReadOnlyList<FileComparison> Files,
    RecoveryReport Recovery, IReadOnlyList<string> Warnings, IReadOnlyList<string> ManualActions, TimeSpan Elapsed)
{
    public bool IsSame => Files.All(file => file.Verdict == ComparisonVerdict.Same);

    /// <summary>A difference has the exit code of damage: in both cases the backup differs from the source.</summary>
    public ExitCode ExitCode =>
        ManualActions.Count > 0 || Recovery.ExitCode == ExitCode.ManualActionRequired ? ExitCode.ManualActionRequired
        : IsSame ? ExitCode.Done : ExitCode.DamageFound;
}

/// <summary>The result of the comparison of one file of a disk with its backup.</summary>
public enum ComparisonVerdict
{
    /// <summary>All bytes are equal.</summary>
    Same,

    /// <summary>The sizes are equal, the contents are not.</summary>
    Different,

    /// <summary>The sizes differ; the missing end of the shorter file counts as zeros.</summary>
    OtherSize,

    /// <summary>The formats or backing files differ, so the bytes cannot be compared.</summary>
    OtherForm,

    /// <summary>The backup holds it; the source no longer has it or cannot be read.</summary>
    Missing,

    /// <summary>The source has it; the backup does not hold it.</summary>
    NotInBackup,
}

/// <summary>The comparison of one file of a disk with its backup.</summary>
/// <param name="Target">The disk.</param>
/// <param name="Name">The file in the archive, <c>vda.qcow2</c>; the disk when there is none.</param>
/// <param name="Verdict">The result.</param>
/// <param name="Note">Why there are no further details; null otherwise.</param>
public sealed record FileComparison(DiskTarget Target, string Name, ComparisonVerdict Verdict, string? Note = null)
{
    /// <summary>Size of the file in the backup; null when there is none.</summary>
    public long? BackupBytes { get; init; }

    /// <summary>Size of the source; null when there is none.</summary>
    public long? SourceBytes { get; init; }

    /// <summary>Size of the differences, in whole blocks of <see cref="DifferenceBlockBytes"/>.</summary>
    public long DifferentBytes { get; init; }

    /// <summary>Offset of the first difference; null for none.</summary>
    public long? FirstDifferenceBytes { get; init; }

    /// <summary>The first runs of different blocks.</summary>
    public IReadOnlyList<Extent> Differences { get; init; } = [];

    /// <summary>Number of runs, including those that are not listed.</summary>
    public long DifferenceCount { get; init; }

    /// <summary>The unit of differences: the usual block size of file systems.</summary>
    public const int DifferenceBlockBytes = 4096;
}
