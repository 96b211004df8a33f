namespace KvmBackup.Model.Requests;

/// <summary>What an operator wants back.</summary>
/// <param name="Domain">Whose backup.</param>
/// <param name="IdPrefix">A unique beginning of its timestamp; null is the newest.</param>
/// <param name="TargetDirectory">Where to; null is where the disks were.</param>
/// <param name="NewName">The name of a copy; null keeps name, UUID and MAC addresses.</param>
/// <param name="Disk">Only this disk; null is the whole domain.</param>
/// <param name="Define">Define the domain in libvirt.</param>
/// <param name="Start">Start it, too.</param>
/// <param name="Replace">The domain whose definition and files may be overwritten, named by the operator.</param>
/// <param name="IsDryRun">Say what would be done, and do nothing.</param>
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
    /// <summary>Where in a cluster to, instead of a directory.</summary>
    public RbdDestination? Cluster { get; init; }

    /// <summary>The images that may be overwritten, each named by the operator.</summary>
    public IReadOnlyList<RbdImage> ReplacedImages { get; init; } = [];

    /// <summary>The block devices that may be overwritten, each named by the operator.</summary>
    public IReadOnlyList<string> ReplacedDevices { get; init; } = [];

    /// <summary>The memory that libvirt saved of the replaced guest may go.</summary>
    public bool DiscardsSavedState { get; init; }

    /// <summary>Everything goes back to where it was.</summary>
    public bool IsInPlace => TargetDirectory is null && Cluster is null && NewName is null;
}

/// <summary>One disk that an operator wants as one file.</summary>
/// <param name="Domain">Whose backup.</param>
/// <param name="IdPrefix">A unique beginning of its timestamp; null is the newest.</param>
/// <param name="Disk">Which disk; null is the only one.</param>
/// <param name="FilePath">The new file.</param>
/// <param name="Format">What it is to be: raw or qcow2.</param>
public sealed record AssembleRequest(DomainName Domain, string? IdPrefix, DiskTarget? Disk, string FilePath, string Format)
{
    public const string Raw = "raw";

    public const string Qcow2 = "qcow2";
}

/// <summary>A run of bytes that an operator wants to see of a backup.</summary>
/// <param name="Domain">Whose backup.</param>
/// <param name="IdPrefix">A unique beginning of its timestamp; null is the newest.</param>
/// <param name="Name">A disk, <c>vda</c>, or a file of the archive, <c>domain.xml</c>.</param>
/// <param name="OffsetBytes">Where it starts.</param>
/// <param name="LengthBytes">How long it is; null is up to the end.</param>
public sealed record CatRequest(DomainName Domain, string? IdPrefix, string Name, long OffsetBytes, long? LengthBytes);

/// <summary>A backup that an operator wants to see next to its source.</summary>
/// <param name="Domain">Whose backup.</param>
/// <param name="IdPrefix">A unique beginning of its timestamp; null is the newest.</param>
/// <param name="Disks">These alone; empty is all that it holds.</param>
/// <param name="Wait">How long to wait for another run to end.</param>
public sealed record CompareRequest(DomainName Domain, string? IdPrefix, IReadOnlyList<DiskTarget> Disks, TimeSpan Wait);
