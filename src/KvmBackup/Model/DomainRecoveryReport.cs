namespace KvmBackup.Model;

/// <summary>What recovery found and did for one domain.</summary>
/// <param name="Name">The domain, or the file of the journal that cannot be read.</param>
/// <param name="IsMended">The guest runs, thawed, on its own disks.</param>
/// <param name="Deeds">What was done, and what is left to type.</param>
public sealed record DomainRecoveryReport(string Name, bool IsMended, IReadOnlyList<string> Deeds);
