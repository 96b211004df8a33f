using KvmBackup.Model;

namespace KvmBackup.Runs;

/// <summary>What came of merging the oldest backups of a domain.</summary>
/// <param name="Merged">The backups that took the place of increments.</param>
/// <param name="Removed">What retention could let go after that.</param>
public sealed record MergeResult(IReadOnlyList<CompletedBackup> Merged, IReadOnlyList<RetentionVerdict> Removed)
{
    public static readonly MergeResult Nothing = new([], []);
}
