using KvmBackup.Model;

namespace KvmBackup.Planning;

/// <summary>How a restore goes.</summary>
/// <param name="Files">What is written, backing files before the images that stand on them.</param>
/// <param name="Edit">What changes in the domain's XML.</param>
/// <param name="Name">The domain's name afterwards.</param>
/// <param name="Define">The domain is defined in libvirt.</param>
/// <param name="Start">It is started, too.</param>
/// <param name="Warnings">What an operator should know.</param>
public sealed record RestorePlan(
    IReadOnlyList<RestoreFile> Files,
    DomainEdit Edit,
    DomainName Name,
    bool Define,
    bool Start,
    IReadOnlyList<string> Warnings)
{
    /// <summary>The disks that are written into a cluster.</summary>
    public IReadOnlyList<RestoreImage> Images { get; init; } = [];
}
