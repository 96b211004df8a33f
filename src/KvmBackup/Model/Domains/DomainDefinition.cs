namespace KvmBackup.Model.Domains;

/// <summary>The three forms of a domain's XML, security information included.</summary>
/// <param name="Inactive">The definition for the next start.</param>
/// <param name="Live">The running definition; the same as <paramref name="Inactive"/> for a domain that is shut
/// off.</param>
/// <param name="Migratable">The definition for a migration to another host.</param>
public sealed record DomainDefinition(string Inactive, string Live, string Migratable);

/// <summary>The changes that a restore makes to a domain's XML.</summary>
/// <param name="NewName">The name of a copy, which also gets a new UUID, new MAC addresses and new names of the host's
/// sockets and network devices; null keeps all of them.</param>
/// <param name="DiskPaths">New paths of disks, by target.</param>
/// <param name="FilePaths">New paths of kernel, initrd and NVRAM, by old path.</param>
public sealed record DomainEdit(
    DomainName? NewName,
    IReadOnlyDictionary<DiskTarget, string> DiskPaths,
    IReadOnlyDictionary<string, string> FilePaths)
{
    /// <summary>The UUID of the domain that a copy replaces; null for a new domain.</summary>
    public Guid? CopyUuid { get; init; }

    /// <summary>Disks that are volumes of storage pools stay volumes: they are restored to their places.</summary>
    public bool KeepsVolumes { get; init; }

    /// <summary>What adapts the definition to another host.</summary>
    public HostEdit Host { get; init; } = HostEdit.None;

    /// <summary>New RBD images of disks, by target.</summary>
    public IReadOnlyDictionary<DiskTarget, RbdImage> DiskImages { get; init; } = new Dictionary<DiskTarget, RbdImage>();
}
