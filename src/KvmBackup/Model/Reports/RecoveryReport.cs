namespace KvmBackup.Model.Reports;

/// <summary>What recovery found and did.</summary>
/// <param name="Domains">One for each open entry of the journal.</param>
public sealed record RecoveryReport(IReadOnlyList<DomainRecoveryReport> Domains)
{
    public static readonly RecoveryReport Nothing = new([]);

    public ExitCode ExitCode => Domains.All(domain => domain.IsRecovered) ? ExitCode.Done : ExitCode.ManualActionRequired;
}

/// <summary>What recovery found and did for one domain.</summary>
/// <param name="Name">The domain, or the file of the journal that cannot be read.</param>
/// <param name="IsRecovered">The guest runs, thawed, on its own disks.</param>
/// <param name="Actions">What was done, and what is left to type.</param>
public sealed record DomainRecoveryReport(string Name, bool IsRecovered, IReadOnlyList<string> Actions);
