namespace KvmBackup.Model.Requests;

/// <summary>The request for a restore.</summary>
/// <param name="Domain">The domain or image of the backup.</param>
/// <param name="IdPrefix">A unique prefix of the backup's timestamp; null is the newest backup.</param>
/// <param name="TargetDirectory">The destination; null is the disks' original place.</param>
/// <param name="NewName">The name of a copy; null keeps name, UUID and MAC addresses.</param>
/// <param name="Disk">Only this disk; null is the whole domain.</param>
/// <param name="Define">Define the domain in libvirt.</param>
/// <param name="Start">Start it, too.</param>
/// <param name="Replace">The domain, named by the operator, whose definition and files may be overwritten.</param>
/// <param name="IsDryRun">Report the actions without performing them.</param>
public sealed record RestoreRequest(
    DomainName Domain,
    string? IdPrefix,
    string? TargetDirectory,
    DomainName? NewName,
    DiskTarget? Disk,
    bool Define,
    bool Start,
    DomainName? Replace,
    bool IsDryRun)
{
    /// <summary>The destination in a cluster, instead of a directory.</summary>
    public RbdDestination? Cluster { get; init; }

    /// <summary>The images that may be overwritten, each named by the operator.</summary>
    public IReadOnlyList<RbdImage> ReplacedImages { get; init; } = [];

    /// <summary>The block devices that may be overwritten, each named by the operator.</summary>
    public IReadOnlyList<string> ReplacedDevices { get; init; } = [];

    /// <summary>The replaced guest's memory, saved by libvirt, may be discarded.</summary>
    public bool DiscardsSavedState { get; init; }

    /// <summary>The changes of the definition for this host.</summary>
    public HostEdit Host { get; init; } = HostEdit.None;

    /// <summary>Create the networks and network filters of the backup that this host does not have.</summary>
    public bool CreatesNetworks { get; init; }

    /// <summary>Everything is restored to its original place.</summary>
    public bool IsInPlace => TargetDirectory is null && Cluster is null && NewName is null;
}

/// <summary>The request to write one disk to one file.</summary>
/// <param name="Domain">The domain or image of the backup.</param>
/// <param name="IdPrefix">A unique prefix of the backup's timestamp; null is the newest backup.</param>
/// <param name="Disk">The disk; null is the only one.</param>
/// <param name="FilePath">The new file.</param>
/// <param name="Format">Format of the file: raw or qcow2.</param>
public sealed record AssembleRequest(
    DomainName Domain, string? IdPrefix, DiskTarget? Disk, string FilePath, string Format)
{
    public const string Raw = "raw";

    public const string Qcow2 = "qcow2";
}

/// <summary>The request to print a run of bytes of a backup.</summary>
/// <param name="Domain">The domain or image of the backup.</param>
/// <param name="IdPrefix">A unique prefix of the backup's timestamp; null is the newest backup.</param>
/// <param name="Name">A disk, <c>vda</c>, or a file of the archive, <c>domain.xml</c>.</param>
/// <param name="OffsetBytes">Start of the run.</param>
/// <param name="LengthBytes">Length of the run; null is up to the end.</param>
public sealed record CatRequest(DomainName Domain, string? IdPrefix, string Name, long OffsetBytes, long? LengthBytes);

/// <summary>The request to compare a backup with its source.</summary>
/// <param name="Domain">The domain or image of the backup.</param>
/// <param name="IdPrefix">A unique prefix of the backup's timestamp; null is the newest backup.</param>
/// <param name="Disks">The disks to compare; empty is all in the backup.</param>
/// <param name="Wait">The longest wait for another run to end.</param>
public sealed record CompareRequest(
    DomainName Domain, string? IdPrefix, IReadOnlyList<DiskTarget> Disks, TimeSpan Wait);
