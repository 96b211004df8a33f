namespace KvmBackup.Configuration;

/// <summary>What config.yml says for one host, checked and with all defaults filled in.</summary>
/// <param name="HostName">The short host name, which is the name of the section.</param>
/// <param name="BackupDirectory">Absolute path of the target.</param>
/// <param name="StateDirectory">Absolute path of what this host remembers between runs.</param>
/// <param name="Domains">In the order of the file.</param>
public sealed record HostSettings(
    string HostName, string BackupDirectory, string StateDirectory, IReadOnlyList<DomainSettings> Domains)
{
    /// <summary>Whether the target must lie on a mounted file system.</summary>
    public MountRequirement RequireMount { get; init; } = MountRequirement.Auto;

    /// <summary>Selections of images without a guest, in the order of the file: an image belongs to the first that covers it.</summary>
    public IReadOnlyList<ImageSelection> Images { get; init; } = [];

    /// <summary>For the domains that are not named; the first whose pool one has a disk in.</summary>
    public IReadOnlyList<PoolDomains> ByPool { get; init; } = [];

    /// <summary>The selection that an image belongs to; null when none covers it.</summary>
    public ImageSelection? FindSelection(RbdImage image) => Images.FirstOrDefault(selection => selection.Covers(image));

    /// <summary>What holds for the backups of that name; null when nothing of the configuration means them.</summary>
    /// <param name="name">A domain's, or an image's without a guest.</param>
    /// <param name="images">The images that the domain has, for one that is not named and found by its pool.</param>
    public BackupSettings? FindSettings(DomainName name, IReadOnlyList<RbdImage> images) =>
        ImageIdentity.Find(name) is { } alone ? FindSelection(alone)
        : Domains.FirstOrDefault(domain => domain.Name == name)
            ?? ByPool.FirstOrDefault(pool => images.Any(image => image.Pool == pool.Pool))?.Template;

    public const string DefaultStateDirectory = "/var/lib/kvmbackup";

    /// <summary>This host as <c>hostname -s</c> names it, which chooses the section.</summary>
    public static string ShortHostName => Environment.MachineName.Split('.')[0];
}
