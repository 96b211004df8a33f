namespace KvmBackup.Model.Domains;

/// <summary>The three flavours of a domain's XML, security information included.</summary>
/// <param name="Inactive">What the next start uses: the one to define from.</param>
/// <param name="Live">What runs now; the same as <paramref name="Inactive"/> for a domain that is shut off.</param>
/// <param name="Migratable">What another host would take.</param>
public sealed record DomainDefinition(string Inactive, string Live, string Migratable);

/// <summary>What a restore changes in a domain's XML.</summary>
/// <param name="NewName">The name of a copy, which also gets a new UUID and new MAC addresses; null keeps all
/// three.</param>
/// <param name="DiskPaths">New paths of disks, by target.</param>
/// <param name="FilePaths">New paths of kernel, initrd and NVRAM, by old path.</param>
public sealed record DomainEdit(
    DomainName? NewName,
    IReadOnlyDictionary<DiskTarget, string> DiskPaths,
    IReadOnlyDictionary<string, string> FilePaths)
{
    /// <summary>The UUID of the domain that a copy takes the place of; null for a new one.</summary>
    public Guid? CopyUuid { get; init; }

    /// <summary>Disks that are RBD images from now on, by target.</summary>
    public IReadOnlyDictionary<DiskTarget, RbdImage> DiskImages { get; init; } = new Dictionary<DiskTarget, RbdImage>();
}
