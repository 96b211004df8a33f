namespace KvmBackup.Configuration;

/// <summary>The settings of one host, checked and with defaults.</summary>
/// <param name="HostName">The short host name, which is the name of the section.</param>
/// <param name="BackupDirectory">Absolute path of the target.</param>
/// <param name="StateDirectory">Absolute path of this host's state between runs.</param>
/// <param name="Domains">In the order of the file.</param>
public sealed record HostSettings(
    string HostName, string BackupDirectory, string StateDirectory, IReadOnlyList<DomainSettings> Domains)
{
    /// <summary>Whether the target must be on a mounted file system.</summary>
    public MountRequirement RequireMount { get; init; } = MountRequirement.Auto;

    /// <summary>Selections of images without a guest, in the order of the file: the first match applies to an
    /// image.</summary>
    public IReadOnlyList<ImageSelection> Images { get; init; } = [];

    /// <summary>Settings of unlisted domains by pool: the first pool with a disk of the domain applies.</summary>
    public IReadOnlyList<PoolDomains> ByPool { get; init; } = [];

    /// <summary>The selection that covers an image; null for none.</summary>
    public ImageSelection? FindSelection(RbdImage image) => Images.FirstOrDefault(selection => selection.Covers(image));

    /// <summary>The settings that apply to the backups of a name; null for none.</summary>
    /// <param name="name">Name of a domain or of an image without a guest.</param>
    /// <param name="images">The images of the domain, for a domain that is found by its pool.</param>
    public BackupSettings? FindSettings(DomainName name, IReadOnlyList<RbdImage> images) =>
        ImageIdentity.Find(name) is { } alone ? FindSelection(alone)
        : Domains.FirstOrDefault(domain => domain.Name == name)
            ?? ByPool.FirstOrDefault(pool => images.Any(image => image.Pool == pool.Pool))?.Template;

    public const string DefaultStateDirectory = "/var/lib/kvmbackup";

    /// <summary>The output of <c>hostname -s</c>, which selects the section.</summary>
    public static string ShortHostName => Environment.MachineName.Split('.')[0];
}
