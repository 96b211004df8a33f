namespace KvmBackup.Model;

/// <summary>The disks of a domain.</summary>
/// <param name="Domain">Whose.</param>
/// <param name="Disks">All, in the order of the XML.</param>
/// <param name="Excluded">Those that the domain's metadata want left out.</param>
public sealed record DomainDisks(DomainIdentity Domain, IReadOnlyList<DiskFacts> Disks, IReadOnlyList<DiskTarget> Excluded);
