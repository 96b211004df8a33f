namespace KvmBackup.Model.Domains;

/// <summary>The facts about a domain that a backup needs, read before any change.</summary>
/// <param name="Name">Name of the domain.</param>
/// <param name="Uuid">UUID of the domain.</param>
/// <param name="State">Current state.</param>
/// <param name="IsPersistent">The domain has a persistent definition; a transient domain disappears when it
/// stops.</param>
/// <param name="HasAgentChannel">The XML has a guest agent channel, whether or not an agent answers.</param>
/// <param name="HasTpm">The domain has an emulated TPM, whose state lies outside its disks.</param>
/// <param name="Disks">All disks, in the order of the XML.</param>
/// <param name="Snapshots">The snapshots in libvirt, each after its parent.</param>
/// <param name="Checkpoints">Names of the checkpoints in libvirt.</param>
/// <param name="RunningJob">Type of the current job as reported by <c>domjobinfo</c>; null for none.</param>
/// <param name="Files">Kernel, initrd and NVRAM, if any.</param>
/// <param name="Definition">The XML.</param>
public sealed record DomainFacts(
    DomainName Name,
    Guid Uuid,
    DomainState State,
    bool IsPersistent,
    bool HasAgentChannel,
    bool HasTpm,
    IReadOnlyList<DiskFacts> Disks,
    IReadOnlyList<DomainSnapshot> Snapshots,
    IReadOnlyList<string> Checkpoints,
    string? RunningJob,
    IReadOnlyList<AuxiliaryFile> Files,
    DomainDefinition Definition)
{
    /// <summary>The disks that the domain's metadata exclude.</summary>
    public IReadOnlyList<DiskTarget> Excluded { get; init; } = [];

    /// <summary>The firmware's variables are on a block device or a network source.</summary>
    public bool HasForeignNvram { get; init; }

    /// <summary>The title and group of the domain.</summary>
    public DomainLabels Labels { get; init; } = DomainLabels.None;

    /// <summary>The domain starts with the host.</summary>
    public bool IsAutostarted { get; init; }

    /// <summary>It is shut off with its memory saved in a file of the host, from which the next start resumes
    /// it.</summary>
    public bool IsSaved { get; init; }

    public DomainIdentity Identity => new(Name, Uuid);

    public bool IsActive => State != DomainState.ShutOff;

    /// <summary>
    /// libvirt can take a snapshot of it. In the other states a guest does not write, and its disks are read in place.
    /// </summary>
    public bool TakesSnapshots => State is DomainState.Running or DomainState.Paused;
}

/// <summary>A snapshot of a domain in libvirt, made by an operator or another program.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsCurrent">It is the domain's current snapshot.</param>
/// <param name="Files">Its files outside of the images: overlays of external snapshots, and saved memory.</param>
/// <param name="Xml">Its record in libvirt.</param>
public sealed record DomainSnapshot(string Name, bool IsCurrent, IReadOnlyList<string> Files, string Xml)
{
    /// <summary>The member of the archive that holds the record.</summary>
    /// <param name="number">Its number in the order of the list, from 1.</param>
    public static string MemberName(int number) => $"snapshot-{number}.xml";
}

/// <summary>What selects a domain for a backup, and its images.</summary>
/// <param name="Domain">The domain.</param>
/// <param name="Disks">All disks, in the order of the XML; empty if the definition was not read.</param>
/// <param name="Excluded">The disks that the domain's metadata exclude.</param>
public sealed record DomainSummary(
    DomainIdentity Domain, IReadOnlyList<DiskFacts> Disks, IReadOnlyList<DiskTarget> Excluded)
{
    /// <summary>The title and group of the domain.</summary>
    public DomainLabels Labels { get; init; } = DomainLabels.None;
}

/// <summary>What an operator wrote into a domain's definition to classify it.</summary>
/// <param name="Title">The title of the domain in libvirt; null for none.</param>
/// <param name="Group">The group in the domain's metadata; null for none.</param>
public sealed record DomainLabels(string? Title, string? Group)
{
    public static readonly DomainLabels None = new(null, null);
}

/// <summary>The states of libvirt's virDomainState that matter for a backup.</summary>
public enum DomainState
{
    Running,
    Paused,
    ShutOff,

    /// <summary>The guest sleeps, by its own power management. libvirt takes no snapshot of it.</summary>
    Suspended,

    /// <summary>The guest has crashed, and QEMU keeps it for inspection.</summary>
    Crashed,

    /// <summary>Any other state: shutting down.</summary>
    Other,
}
