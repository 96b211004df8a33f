namespace KvmBackup.Model;

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
