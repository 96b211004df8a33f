namespace KvmBackup.Model.Domains;

/// <summary>One disk of a domain as libvirt describes it.</summary>
/// <param name="Target">Its name.</param>
/// <param name="Device">libvirt's device: disk, cdrom, floppy or lun.</param>
/// <param name="SourceType">What the source is.</param>
/// <param name="SourcePath">The file or block device; null for an empty drive or a source that is neither.</param>
/// <param name="Format">The driver type: qcow2, raw.</param>
/// <param name="IsReadOnly">The guest cannot write it.</param>
/// <param name="IsShareable">Other guests may write it at the same time.</param>
/// <param name="BlockJob">The kind of the block job that libvirt shows on it; null for none.</param>
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
    /// <summary>The image of a disk that lies in a Ceph cluster; null for every other disk.</summary>
    public RbdSource? Rbd { get; init; }

    /// <summary>libvirt throws away what the guest writes, when it stops.</summary>
    public bool IsTransient { get; init; }

    /// <summary>Why it cannot be told what the disk is; null when it can.</summary>
    public string? Refusal { get; init; }

    /// <summary>What an operator should know of how it is taken; null for nothing.</summary>
    public string? Notice { get; init; }

    /// <summary>Which definitions have the disk.</summary>
    public DiskPresence Presence { get; init; }

    /// <summary>In which way the two definitions name different sources, as the end of a sentence; null when they do not.</summary>
    public string? Difference { get; init; }

    /// <summary>How libvirt decrypts it; null for a disk that is not encrypted, or only by the guest.</summary>
    public DiskEncryption? Encryption { get; init; }

    /// <summary>The source, for people.</summary>
    public string SourceText => Rbd is not null ? $"the RBD image {Rbd.Image}"
        : SourceType == DiskSourceType.None ? "empty"
        : $"{SourcePath ?? $"a source of the type {SourceType.ToString().ToLowerInvariant()}"} ({Format})";
}

/// <summary>Which definitions of a domain have a disk. They differ after <c>virsh attach-disk</c> or <c>detach-disk</c>
/// with only one of <c>--live</c> and <c>--config</c>.</summary>
public enum DiskPresence
{
    /// <summary>Both definitions, or the domain is shut off and has one.</summary>
    Both,

    /// <summary>The running guest has it; the definition for the next start does not.</summary>
    RunningOnly,

    /// <summary>The definition for the next start has it; the running guest does not use it.</summary>
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
    Other,
}

/// <summary>How a disk is encrypted, as its <c>&lt;encryption&gt;</c> element names it. It never holds the secret's value.</summary>
/// <param name="Format"><c>luks</c>, or another that libvirt knows.</param>
/// <param name="SecretUuid">libvirt's secret with the passphrase; null when it is named by its usage, or not at all.</param>
/// <param name="SecretUsage">The volume that the secret is for; null when it is named by its UUID.</param>
public sealed record DiskEncryption(string Format, Guid? SecretUuid, string? SecretUsage)
{
    /// <summary>The one format whose overlays can be encrypted, too.</summary>
    public const string Luks = "luks";

    /// <summary>Which secret that is, for people.</summary>
    public string SecretText => SecretUuid is { } uuid ? $"libvirt's secret {uuid}"
        : $"libvirt's secret with the usage volume {SecretUsage ?? "(not named)"}";
}
