namespace KvmBackup.Configuration;

/// <summary>Reads the selections of images in a host's section.</summary>
internal static class ImageReader
{
    public const string Key = "images";

    private static readonly IReadOnlyList<string> Keys =
        ["pool", "namespace", "name", "exclude", "snapshot", .. LayerReader.CommonKeys];

    /// <param name="images">The section; null when there is none.</param>
    /// <param name="hostLayer">The host's settings.</param>
    /// <param name="domains">The names of the host's domains: selections must have other names.</param>
    public static ImageSelection[] Read(Setting? images, SettingsLayer hostLayer, IReadOnlyList<string> domains)
    {
        const string Example = "add a selection, for example 'volumes: {pool: rbd, day_of_week: daily, rotate: 7}'";
        if (images is null)
        {
            return [];
        }

        if (images.IsNull || images.Node is MapNode { Entries.Count: 0 })
        {
            images.Report("names no selection of images", Example);
            return [];
        }

        return [.. images.Children("a map of selections by names of your choice")
            .Select(selection => ReadSelection(selection, hostLayer, domains))];
    }

    /// <summary>Reads a pool's name and reports an invalid one.</summary>
    public static string ReadPool(Setting setting, string text)
    {
        try
        {
            return new RbdImage(text, null, "any").Pool;
        }
        catch (ModelException)
        {
            setting.Report($"'{text}' cannot be the name of a pool", "give a pool that ceph osd pool ls shows");
            return "?";
        }
    }

    private static ImageSelection ReadSelection(
        Setting selection, SettingsLayer hostLayer, IReadOnlyList<string> domains)
    {
        Section section = Section.Open(selection, Keys);
        SettingsLayer layer = LayerReader.Read(section).Over(hostLayer);
        LayerReader.ReportInvalid(selection, layer);
        ReportName(selection, domains);
        if (section.Find("pool") is null)
        {
            selection.ReportAtKey("no pool", "add the pool of the images, for example 'pool: rbd'");
        }

        return new ImageSelection(
            selection.Name,
            section.Find("pool") is { } pools ? ReadPools(pools) : [],
            section.Find("namespace") is { } space ? ReadNamespace(space) : null,
            section.Find("name") is { } names ? ReadPatterns(names) : [NamePattern.Any],
            section.Find("exclude") is { } excluded ? ReadPatterns(excluded) : [],
            section.Find("snapshot") is { } snapshot ? ExternalReader.Read(snapshot) : null,
            layer.Schedule ?? new Schedule([]),
            layer.Retention ?? new RetentionPolicy(),
            layer.Compression?.ToCompression() ?? new Compression(CompressionMethod.Pigz),
            layer.VerifyBeforePublish ?? false)
        {
            StallTimeout = layer.StallTimeout ?? BackupSettings.DefaultStallTimeout,
            Limits = layer.Limits ?? ResourceLimits.None,
            Ceph = layer.Ceph ?? CephSettings.None,
            FullEvery = layer.Chain,
            KeepOnCluster = layer.KeepOnCluster ?? 0,
            ProtectSnapshots = layer.ProtectSnapshots ?? false,
        };
    }

    private static void ReportName(Setting selection, IReadOnlyList<string> domains)
    {
        if (string.IsNullOrWhiteSpace(selection.Name) || selection.Name.Any(char.IsControl)
            || selection.Name.Contains('/', StringComparison.Ordinal))
        {
            selection.ReportAtKey("cannot be the name of a selection", "give one without '/' and control characters");
        }

        if (domains.Contains(selection.Name))
        {
            selection.ReportAtKey(
                "a domain has the same name", "give the selection another name, because both are requested by name");
        }
    }

    private static string[] ReadPools(Setting setting) => [.. setting.Items("a pool, or several as [rbd, ssd]")
        .SelectMany(item => item.Text("a pool, such as rbd") is { } text ? new[] { ReadPool(item, text) } : [])
        .Distinct()];

    private static string? ReadNamespace(Setting setting)
    {
        string? text = setting.Text("a namespace");
        try
        {
            return text is null ? null : new RbdImage("any", text, "any").Namespace;
        }
        catch (ModelException)
        {
            setting.Report($"'{text}' cannot be a namespace", "give one that rbd namespace ls POOL shows");
            return null;
        }
    }

    private static NamePattern[] ReadPatterns(Setting setting) =>
        [.. setting.Items("a name, a pattern such as vm-*, or several in brackets").SelectMany(ReadPattern)];

    private static NamePattern[] ReadPattern(Setting setting)
    {
        if (setting.Text("a name, or a pattern such as vm-*") is not { } text)
        {
            return [];
        }

        if (text.Length == 0
            || text.Any(character => character is '/' or '@' or '\\' || char.IsControl(character)))
        {
            setting.Report(
                $"'{text}' matches no image",
                "give names of images, with * for any text and ? for any character; the pool has its own key");
        }

        return [new NamePattern(text)];
    }
}
