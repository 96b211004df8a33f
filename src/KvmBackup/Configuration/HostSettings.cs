namespace KvmBackup.Configuration;

/// <summary>The settings of one host, checked and with defaults.</summary>
/// <param name="HostName">The short host name, which is the name of the section.</param>
/// <param name="BackupDirectory">Absolute path of the target.</param>
/// <param name="StateDirectory">Absolute path of this host's state between runs.</param>
/// <param name="Domains">The domains by their names, in the order of the file.</param>
public sealed record HostSettings(
    string HostName, string BackupDirectory, string StateDirectory, IReadOnlyList<DomainSettings> Domains)
{
    public const string DefaultStateDirectory = "/var/lib/kvmbackup";

    /// <summary>Whether the target must be on a mounted file system.</summary>
    public MountRequirement RequireMount { get; init; } = MountRequirement.Auto;

    /// <summary>Selections of images without a guest, in the order of the file: the first match applies to an
    /// image.</summary>
    public IReadOnlyList<ImageSelection> Images { get; init; } = [];

    /// <summary>Settings of domains that are not listed by their names: the first rule that selects a domain
    /// applies.</summary>
    public IReadOnlyList<DomainRule> Rules { get; init; } = [];

    /// <summary>The settings of a domain that nothing selects, when it is backed up by hand: those of the host, without
    /// a schedule and without retention.</summary>
    public DomainSettings Unlisted { get; init; } = new SettingsLayer().ToUnlisted();

    /// <summary>Whether the configuration selects domains at all.</summary>
    public bool HasGuests => Domains.Count + Rules.Count > 0;

    /// <summary>The selection that covers an image; null for none.</summary>
    public ImageSelection? FindSelection(RbdImage image) => Images.FirstOrDefault(selection => selection.Covers(image));

    /// <summary>The settings that apply to a domain; null for none.</summary>
    public DomainSettings? FindDomain(DomainTraits domain) =>
        Domains.FirstOrDefault(listed => listed.Name == domain.Name) ?? FindRule(domain)?.SettingsOf(domain.Name);

    /// <summary>The rule that selects a domain without a section of its own; null for none.</summary>
    public DomainRule? FindRule(DomainTraits domain) => Rules.FirstOrDefault(rule => rule.Selects(domain));

    /// <summary>The settings that apply to the backups of a name; null for none.</summary>
    /// <param name="name">Name of a domain or of an image without a guest.</param>
    /// <param name="newest">The newest backup, which has the title, the group and the images of a domain that no longer
    /// exists; null for none.</param>
    public BackupSettings? FindSettings(DomainName name, Manifest? newest) =>
        ImageIdentity.Find(name) is { } alone ? FindSelection(alone) : FindDomain(DomainTraits.Of(name, newest));

    /// <summary>The settings with which a backup is read again; those of the host if nothing selects its domain. Null
    /// for an image that no selection covers.</summary>
    public BackupSettings? FindSettings(Manifest backup) => FindSettings(backup.Domain, backup)
        ?? (ImageIdentity.Find(backup.Domain) is null ? Unlisted with { Name = backup.Domain } : null);

    /// <summary>The output of <c>hostname -s</c>, which selects the section.</summary>
    public static string ShortHostName => Environment.MachineName.Split('.')[0];
}
