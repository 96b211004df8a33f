namespace KvmBackup.Model;

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
