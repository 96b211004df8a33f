namespace KvmBackup.Model.Reports;

/// <summary>The report of the existing backups.</summary>
/// <param name="DirectoryPath">The backup directory.</param>
/// <param name="Backups">The good backups, by domain, the newest first.</param>
/// <param name="Unusable">Directories that are not usable backups, as <c>web1/NAME: reason</c>.</param>
public sealed record ListReport(
    string DirectoryPath, IReadOnlyList<CompletedBackup> Backups, IReadOnlyList<string> Unusable)
{
    /// <summary>Damage that names and sizes of files show, as <c>web1/TEXT</c>.</summary>
    public IReadOnlyList<string> Damages { get; init; } = [];

    /// <summary>Some of <see cref="Unusable"/> are whole folders that could not be read.</summary>
    public bool IsIncomplete { get; init; }

    public ExitCode ExitCode =>
        Damages.Count > 0 ? ExitCode.DamageFound : IsIncomplete ? ExitCode.Failed : ExitCode.Done;
}
