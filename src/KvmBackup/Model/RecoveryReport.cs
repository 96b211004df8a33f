namespace KvmBackup.Model;

/// <summary>What recovery found and did.</summary>
/// <param name="Domains">One for each open entry of the journal.</param>
public sealed record RecoveryReport(IReadOnlyList<DomainRecoveryReport> Domains)
{
    public static readonly RecoveryReport Nothing = new([]);

    public ExitCode ExitCode => Domains.All(domain => domain.IsMended) ? ExitCode.Done : ExitCode.GuestNeedsPerson;
}
