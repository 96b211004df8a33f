namespace KvmBackup.Model;

/// <summary>What is told about a restore.</summary>
/// <param name="Domain">Whose backup.</param>
/// <param name="Id">Which backup.</param>
/// <param name="Name">What the domain is called now.</param>
/// <param name="WrittenFiles">The files that were written.</param>
/// <param name="KeptFiles">The files that were there already, identical, and stayed.</param>
/// <param name="IsDefined">The domain is defined.</param>
/// <param name="IsStarted">It was started.</param>
/// <param name="DataBytes">Data written.</param>
/// <param name="Elapsed">How long it took.</param>
/// <param name="Warnings">What someone should look at.</param>
/// <param name="Commands">What is left to type; in a dry run, what would have been done.</param>
public sealed record RestoreReport(
    DomainName Domain,
    BackupId Id,
    DomainName Name,
    IReadOnlyList<string> WrittenFiles,
    IReadOnlyList<string> KeptFiles,
    bool IsDefined,
    bool IsStarted,
    long DataBytes,
    TimeSpan Elapsed,
    IReadOnlyList<string> Warnings,
    IReadOnlyList<string> Commands)
{
    /// <summary>The domain is started with the host.</summary>
    public bool IsAutostarted { get; init; }

    /// <summary>What starts a domain that is defined and was not started; else null.</summary>
    public string? StartCommand { get; init; }
}
