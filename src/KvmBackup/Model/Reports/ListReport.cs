namespace KvmBackup.Model.Reports;

/// <summary>The backups there are.</summary>
/// <param name="DirectoryPath">Where they lie.</param>
/// <param name="Backups">The good ones, by domain, the newest first.</param>
/// <param name="Unusable">Directories among the backups that are none, as <c>web1/NAME: reason</c>.</param>
public sealed record ListReport(
    string DirectoryPath, IReadOnlyList<CompletedBackup> Backups, IReadOnlyList<string> Unusable)
{
    /// <summary>What names and sizes show to be damaged, as <c>web1/TEXT</c>.</summary>
    public IReadOnlyList<string> Damages { get; init; } = [];

    /// <summary>Some of <see cref="Unusable"/> are whole folders that could not be looked into.</summary>
    public bool IsIncomplete { get; init; }

    public ExitCode ExitCode => Damages.Count > 0 ? ExitCode.DamageFound : IsIncomplete ? ExitCode.Failed : ExitCode.Done;
}
