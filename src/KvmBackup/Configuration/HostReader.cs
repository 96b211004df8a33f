namespace KvmBackup.Configuration;

/// <summary>Reads one host's section over the defaults, and its domains and images over the host's settings.</summary>
internal static class HostReader
{
    private static readonly IReadOnlyList<string> DefaultsKeys =
        ["backupdir", "statedir", RequireMountKey, .. LayerReader.Keys];
    private static readonly IReadOnlyList<string> HostKeys = [.. DefaultsKeys, .. SelectionKeys];
    private const string RequireMountKey = "require_mount";

    /// <summary>The keys below which a host selects what is backed up.</summary>
    public static IReadOnlyList<string> SelectionKeys => [DomainReader.Key, .. DomainReader.RuleKeys, ImageReader.Key];

    public static HostSettings Read(Setting host, Setting? defaults)
    {
        Section? defaultSection = defaults is null ? null : Section.Open(defaults, DefaultsKeys);
        SettingsLayer defaultLayer = defaultSection is null ? new SettingsLayer() : LayerReader.Read(defaultSection);
        Section section = Section.Open(host, HostKeys);
        SettingsLayer hostLayer = LayerReader.Read(section).Over(defaultLayer);
        string? backupDirectory = (section.Find("backupdir") ?? defaultSection?.Find("backupdir"))?.AbsolutePath();
        string? stateDirectory = (section.Find("statedir") ?? defaultSection?.Find("statedir"))?.AbsolutePath();
        Setting? requireMount = section.Find(RequireMountKey) ?? defaultSection?.Find(RequireMountKey);
        MountRequirement requirement = requireMount is null ? MountRequirement.Auto : Words.Choose(
            requireMount, "value", ("auto", MountRequirement.Auto), ("true", MountRequirement.Required),
            ("false", MountRequirement.None));
        if (backupDirectory is null)
        {
            host.ReportAtKey("no backupdir", "add the directory for backups, for example 'backupdir: "
                + $"/mnt/backup/{host.Name}'");
        }

        bool isRequired = SelectionKeys.All(key => section.Find(key) is null);
        (DomainSettings[] domains, DomainRule[] rules) = DomainReader.Read(host, section, hostLayer, isRequired);
        return new HostSettings(
            host.Name,
            backupDirectory ?? "/",
            stateDirectory ?? HostSettings.DefaultStateDirectory,
            domains)
        {
            RequireMount = requirement,
            Images = ImageReader.Read(
                section.Find(ImageReader.Key), hostLayer, [.. domains.Select(domain => domain.Name.Value)]),
            Rules = rules,
            Unlisted = hostLayer.ToUnlisted(),
        };
    }
}
