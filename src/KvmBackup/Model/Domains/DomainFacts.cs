namespace KvmBackup.Model.Domains;

/// <summary>All that a backup must know of a domain, read before anything is changed.</summary>
/// <param name="Name">How an operator calls it.</param>
/// <param name="Uuid">What it is.</param>
/// <param name="State">What it does now.</param>
/// <param name="IsPersistent">False: it has no definition and is gone when it stops.</param>
/// <param name="HasAgentChannel">The XML has a guest agent channel, whether or not an agent answers.</param>
/// <param name="HasTpm">The domain has an emulated TPM, whose state lies outside its disks.</param>
/// <param name="Disks">All disks, in the order of the XML.</param>
/// <param name="Snapshots">Names of the snapshots that libvirt knows.</param>
/// <param name="Checkpoints">Names of the checkpoints that libvirt knows.</param>
/// <param name="RunningJob">What <c>domjobinfo</c> calls the job that runs now; null for none.</param>
/// <param name="Files">Kernel, initrd and NVRAM, where the domain has them.</param>
/// <param name="Definition">The XML.</param>
public sealed record DomainFacts(
    DomainName Name,
    Guid Uuid,
    DomainState State,
    bool IsPersistent,
    bool HasAgentChannel,
    bool HasTpm,
    IReadOnlyList<DiskFacts> Disks,
    IReadOnlyList<string> Snapshots,
    IReadOnlyList<string> Checkpoints,
    string? RunningJob,
    IReadOnlyList<AuxiliaryFile> Files,
    DomainDefinition Definition)
{
    /// <summary>The disks that the domain's own metadata want left out.</summary>
    public IReadOnlyList<DiskTarget> Excluded { get; init; } = [];

    /// <summary>The host starts it when the host itself starts.</summary>
    public bool IsAutostarted { get; init; }

    /// <summary>It is shut off, and its memory is in a file of the host, from which the next start resumes it.</summary>
    public bool IsSaved { get; init; }

    public DomainIdentity Identity => new(Name, Uuid);

    public bool IsActive => State != DomainState.ShutOff;
}

/// <summary>The disks of a domain.</summary>
/// <param name="Domain">Whose.</param>
/// <param name="Disks">All, in the order of the XML.</param>
/// <param name="Excluded">Those that the domain's metadata want left out.</param>
public sealed record DomainDisks(DomainIdentity Domain, IReadOnlyList<DiskFacts> Disks, IReadOnlyList<DiskTarget> Excluded);

/// <summary>The states of libvirt's virDomainState that matter to a backup.</summary>
public enum DomainState
{
    Running,
    Paused,
    ShutOff,

    /// <summary>In the middle of something else: crashed, shutting down, suspended by the guest's power management.</summary>
    Other,
}
