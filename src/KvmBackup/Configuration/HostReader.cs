namespace KvmBackup.Configuration;

/// <summary>Reads one host's section on top of the defaults, and in it domains and images on top of the host.</summary>
internal static class HostReader
{
    private static readonly IReadOnlyList<string> DefaultsKeys = ["backupdir", "statedir", RequireMountKey, .. LayerReader.Keys];
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
        MountRequirement requirement = (section.Find(RequireMountKey) ?? defaultSection?.Find(RequireMountKey)) is { } require
            ? Words.Choose(
                require, "value", ("auto", MountRequirement.Auto), ("true", MountRequirement.Required), ("false", MountRequirement.None))
            : MountRequirement.Auto;
        if (backupDirectory is null)
        {
            host.ReportAtKey("no backupdir", $"add 'backupdir: /mnt/backup/{host.Name}' or where backups go");
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
            Images = ImageReader.Read(section.Find(ImageReader.Key), hostLayer, [.. domains.Select(domain => domain.Name.Value)]),
            ByPool = section.Find(ByPoolKey) is { } pools ? ReadByPool(pools, hostLayer) : [],
        };
    }

    /// <summary>What must be said at one level or another.</summary>
    public static void ReportUnfit(Setting setting, SettingsLayer layer)
    {
        if (layer.Schedule is null)
        {
            setting.ReportAtKey("no day_of_week", "say when it runs, for example 'day_of_week: [Sun, Wed]'");
        }

        if (layer.Retention is null)
        {
            setting.ReportAtKey("no rotate or retain", "say how long its backups live, for example 'rotate: 4'");
        }

        if (layer.Chain is { IsMerging: true, IsDifferential: true })
        {
            // Each of the later ones stands on the full one: merging the oldest would not let it go.
            setting.ReportAtKey("merge and increments: differential", "give one of them; merge works on increments: incremental");
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
        ReportUnfit(domain, layer);
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
