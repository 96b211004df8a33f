namespace KvmBackup.Model;

/// <summary>A domain as libvirt lists it.</summary>
public sealed record DomainIdentity(DomainName Name, Guid Uuid);
