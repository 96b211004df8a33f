namespace KvmBackup.Configuration;

/// <summary>How domains are backed up that are not named, but have a disk in a pool.</summary>
/// <param name="Pool">Of Ceph.</param>
/// <param name="Template">Bears the pool's name in place of a domain's.</param>
public sealed record PoolDomains(string Pool, DomainSettings Template);
