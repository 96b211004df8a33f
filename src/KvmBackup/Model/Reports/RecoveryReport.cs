namespace KvmBackup.Model.Reports;

/// <summary>The report of a recovery.</summary>
/// <param name="Domains">One for each open entry of the journal.</param>
public sealed record RecoveryReport(IReadOnlyList<DomainRecoveryReport> Domains)
{
    public static readonly RecoveryReport Nothing = new([]);

    public ExitCode ExitCode =>
        Domains.All(domain => domain.IsRecovered) ? ExitCode.Done : ExitCode.ManualActionRequired;
}

/// <summary>The report of the recovery of one domain.</summary>
/// <param name="Name">The domain, or the journal file that cannot be read.</param>
/// <param name="IsRecovered">The guest runs, thawed, on its own disks.</param>
/// <param name="Actions">The completed actions and the remaining commands.</param>
public sealed record DomainRecoveryReport(string Name, bool IsRecovered, IReadOnlyList<string> Actions);
