namespace KvmBackup.Model.Domains;

/// <summary>One disk of a domain as libvirt describes it.</summary>
/// <param name="Target">Target device.</param>
/// <param name="Device">libvirt's device: disk, cdrom, floppy or lun.</param>
/// <param name="SourceType">Type of the source.</param>
/// <param name="SourcePath">The file or block device; null for an empty drive and for other types of source.</param>
/// <param name="Format">The driver type: qcow2, raw.</param>
/// <param name="IsReadOnly">The guest cannot write to it.</param>
/// <param name="IsShareable">Other guests may write to it at the same time.</param>
/// <param name="BlockJob">The type of its block job as reported by libvirt; null for none.</param>
public sealed record DiskFacts(
    DiskTarget Target,
    string Device,
    DiskSourceType SourceType,
    string? SourcePath,
    string Format,
    bool IsReadOnly,
    bool IsShareable,
    string? BlockJob)
{
    /// <summary>The image of a disk in a Ceph cluster; null for every other disk.</summary>
    public RbdSource? Rbd { get; init; }

    /// <summary>The volume of a storage pool that the definition for the next start names in place of a path; null for
    /// every other disk.</summary>
    public PoolVolume? Volume { get; init; }

    /// <summary>libvirt discards the guest's writes when the guest stops.</summary>
    public bool IsTransient { get; init; }

    /// <summary>Why the source of the disk cannot be determined or read; null when it can.</summary>
    public string? Refusal { get; init; }

    /// <summary>A notice for the operator about how the disk is backed up; null for none.</summary>
    public string? Notice { get; init; }

    /// <summary>Which definitions have the disk.</summary>
    public DiskPresence Presence { get; init; }

    /// <summary>How the sources in the two definitions differ, as the end of a sentence; null when they do
    /// not.</summary>
    public string? Difference { get; init; }

    /// <summary>The encryption that libvirt handles; null for a disk that is not encrypted or is encrypted by the
    /// guest.</summary>
    public DiskEncryption? Encryption { get; init; }

    /// <summary>The type of the source in libvirt's words, for messages.</summary>
    public string SourceTypeText => SourceType.ToString().ToLowerInvariant();

    /// <summary>The source without its format, for messages.</summary>
    public string SourceName => Rbd is not null ? $"the RBD image {Rbd.Image}"
        : SourceType == DiskSourceType.None && SourcePath is null ? "empty"
        : SourcePath ?? $"a source of the type {SourceTypeText}";

    /// <summary>The source, for messages.</summary>
    public string SourceText =>
        Rbd is not null || SourceType == DiskSourceType.None ? SourceName : $"{SourceName} ({Format})";
}

/// <summary>
/// The definitions of a domain that have a disk. They differ after <c>virsh attach-disk</c> or <c>detach-disk</c>
/// with only
/// one of <c>--live</c> and <c>--config</c>.
/// </summary>
public enum DiskPresence
{
    /// <summary>Both definitions, or the only one of a domain that is shut off.</summary>
    Both,

    /// <summary>Only the running guest.</summary>
    RunningOnly,

    /// <summary>Only the definition for the next start; the running guest does not use the disk.</summary>
    NextStartOnly,
}

/// <summary>The type attribute of a libvirt disk.</summary>
public enum DiskSourceType
{
    /// <summary>No medium: an empty drive.</summary>
    None,
    File,
    Block,
    Network,
    Volume,
    Dir,
    Nvme,
    VhostUser,
    VhostVdpa,
    Other,
}

/// <summary>A volume of a storage pool of libvirt, which resolves it to a file or block device.</summary>
/// <param name="Pool">The name of the pool.</param>
/// <param name="Name">The name of the volume in the pool.</param>
public sealed record PoolVolume(string Pool, string Name)
{
    /// <summary>How libvirt attaches a volume of an iSCSI pool: <c>host</c> or <c>direct</c>; null when the definition
    /// does not state it.</summary>
    public string? Mode { get; init; }

    /// <summary>The volume, for messages.</summary>
    public override string ToString() => $"the volume {Name} of the storage pool {Pool}";
}

/// <summary>The encryption of a disk, from its <c>&lt;encryption&gt;</c> element. It never holds the secret's
/// value.</summary>
/// <param name="Format"><c>luks</c> or another format of libvirt.</param>
/// <param name="SecretUuid">UUID of libvirt's secret with the passphrase; null when it is identified by its usage or
/// missing.</param>
/// <param name="SecretUsage">The volume in the usage of the secret; null when it is identified by its UUID.</param>
public sealed record DiskEncryption(string Format, Guid? SecretUuid, string? SecretUsage)
{
    /// <summary>The only format in which overlays can be encrypted.</summary>
    public const string Luks = "luks";

    /// <summary>The secret, for messages.</summary>
    public string SecretText => SecretUuid is { } uuid ? $"libvirt's secret {uuid}"
        : $"libvirt's secret with the usage volume {SecretUsage ?? "(not named)"}";
}
