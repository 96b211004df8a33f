namespace KvmBackup.Configuration;

/// <summary>Reads one host's section over the defaults, and its domains and images over the host's settings.</summary>
internal static class HostReader
{
    private static readonly IReadOnlyList<string> DefaultsKeys =
        ["backupdir", "statedir", RequireMountKey, .. LayerReader.Keys];
    private static readonly IReadOnlyList<string> HostKeys = [.. DefaultsKeys, "domains", ByPoolKey, ImageReader.Key];
    private const string RequireMountKey = "require_mount";
    private const string ByPoolKey = "domains_by_pool";

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

        bool hasOthers = section.Find(ImageReader.Key) is not null || section.Find(ByPoolKey) is not null;
        DomainSettings[] domains = section.Find("domains") is null && hasOthers
            ? [] : ReadDomains(host, section.Find("domains"), hostLayer);
        return new HostSettings(
            host.Name,
            backupDirectory ?? "/",
            stateDirectory ?? HostSettings.DefaultStateDirectory,
            domains)
        {
            RequireMount = requirement,
            Images = ImageReader.Read(
                section.Find(ImageReader.Key), hostLayer, [.. domains.Select(domain => domain.Name.Value)]),
            ByPool = section.Find(ByPoolKey) is { } pools ? ReadByPool(pools, hostLayer) : [],
        };
    }

    /// <summary>Reports settings that are missing at all levels or contradict each other.</summary>
    public static void ReportInvalid(Setting setting, SettingsLayer layer)
    {
        if (layer.Schedule is null)
        {
            setting.ReportAtKey("no day_of_week", "add the days, for example 'day_of_week: [Sun, Wed]'");
        }

        if (layer.Retention is null)
        {
            setting.ReportAtKey("no rotate or retain", "add how many backups to keep, for example 'rotate: 4'");
        }

        if (layer.Chain is { IsMerging: true, IsDifferential: true })
        {
            // Later differentials depend on the full backup: merging the oldest would not release it.
            setting.ReportAtKey(
                "merge and increments: differential", "give one of them; merge works on increments: incremental");
        }
    }

    private static DomainSettings[] ReadDomains(Setting host, Setting? domains, SettingsLayer hostLayer)
    {
        const string Example = "add a guest by its libvirt name, for example 'web1: {day_of_week: daily, rotate: 7}'";
        if (domains is null)
        {
            host.ReportAtKey("no domains", Example);
            return [];
        }

        if (domains.IsNull || domains.Node is MapNode { Entries.Count: 0 })
        {
            domains.Report("names no domain", Example);
            return [];
        }

        IReadOnlyList<Setting> named = domains.Children("a map of guests by their libvirt names");
        return [.. named.Select(domain => ReadDomain(domain, hostLayer))];
    }

    private static PoolDomains[] ReadByPool(Setting pools, SettingsLayer hostLayer)
    {
        const string Expected = "a map of pools, for example 'rbd: {day_of_week: daily, rotate: 7}'";
        return [.. pools.Children(Expected).Select(
            pool => new PoolDomains(ImageReader.ReadPool(pool, pool.Name), ReadDomain(pool, hostLayer)))];
    }

    private static DomainSettings ReadDomain(Setting domain, SettingsLayer hostLayer)
    {
        SettingsLayer layer = LayerReader.Read(Section.Open(domain, LayerReader.Keys)).Over(hostLayer);
        ReportInvalid(domain, layer);
        return new DomainSettings(
            ReadName(domain),
            layer.Schedule ?? new Schedule([]),
            layer.Retention ?? new RetentionPolicy(),
            layer.Compression?.ToCompression() ?? new Compression(CompressionMethod.Pigz),
            layer.Quiesce ?? QuiesceMode.Try,
            layer.Disks ?? DiskSelection.All,
            layer.OverlayDirectory,
            layer.FreezeTimeout ?? DomainSettings.DefaultFreezeTimeout,
            layer.CommitTimeout ?? DomainSettings.DefaultCommitTimeout,
            layer.VerifyBeforePublish ?? false)
        {
            StallTimeout = layer.StallTimeout ?? DomainSettings.DefaultStallTimeout,
            OverlayHeadroom = layer.OverlayHeadroom,
            KeepOnCluster = layer.KeepOnCluster ?? 0,
            ProtectSnapshots = layer.ProtectSnapshots ?? false,
            Limits = layer.Limits ?? ResourceLimits.None,
            Ceph = layer.Ceph ?? CephSettings.None,
            FullEvery = layer.Chain,
        };
    }

    private static DomainName ReadName(Setting domain)
    {
        try
        {
            return new DomainName(domain.Name);
        }
        catch (ModelException failure)
        {
            domain.ReportAtKey(failure.Message.TrimEnd('.'), "give the name that virsh list --all shows");
            return new DomainName("?");
        }
    }
}
