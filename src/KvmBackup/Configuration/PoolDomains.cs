namespace KvmBackup.Configuration;

/// <summary>The settings of domains without settings of their own that have a disk in a pool.</summary>
/// <param name="Pool">The Ceph pool.</param>
/// <param name="Template">The settings, with the pool's name in place of a domain's.</param>
public sealed record PoolDomains(string Pool, DomainSettings Template);
