namespace KvmBackup.Model;

/// <summary>The image behind a disk, as the domain's XML names it, or the device that it names.</summary>
/// <param name="Image">The image.</param>
/// <param name="Monitors">Addresses with ports; may be empty.</param>
/// <param name="User">Without <c>client.</c>; null for none.</param>
/// <param name="Secret">libvirt's secret that holds the user's key; null for none.</param>
public sealed record RbdSource(RbdImage Image, IReadOnlyList<string> Monitors, string? User, Guid? Secret)
{
    /// <summary>The ID of the image that this host's kernel has mapped for the disk; null when it has mapped none.</summary>
    public string? MappedId { get; init; }
}
