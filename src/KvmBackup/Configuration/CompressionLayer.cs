namespace KvmBackup.Configuration;

/// <summary>The compression settings of one level of the file: the short form <c>zstd</c> or the map.</summary>
internal sealed record CompressionLayer(CompressionMethod? Method, int? Level, Setting? LevelSource, int? Threads)
{
    private const int MaximumThreads = 1024;

    public static CompressionLayer Read(Setting setting)
    {
        if (setting.Node is not MapNode)
        {
            return new CompressionLayer(ReadMethod(setting), Level: null, LevelSource: null, Threads: null);
        }

        Section section = Section.Open(setting, "method", "level", "threads");
        Setting? level = section.Find("level");
        CompressionLayer layer = new(
            section.Find("method") is { } method ? ReadMethod(method) : null,
            level?.Number(0, 100),
            level,
            section.Find("threads")?.Number(0, MaximumThreads));
        if (layer.Method is not null)
        {
            _ = layer.ToCompression();
        }

        return layer;
    }

    /// <summary>
    /// These settings, with unset values from a more general level. A level applies to its method only: a setting
    /// with a
    /// method does not inherit the level of another method.
    /// </summary>
    public CompressionLayer Over(CompressionLayer? general)
    {
        bool isLevelInherited = Method is null && Level is null;
        return general is null
            ? this
            : new CompressionLayer(
                Method ?? general.Method,
                isLevelInherited ? general.Level : Level,
                isLevelInherited ? general.LevelSource : LevelSource,
                Threads ?? general.Threads);
    }

    public Compression ToCompression()
    {
        CompressionMethod method = Method ?? CompressionMethod.Pigz;
        if (Level is { } level && LevelSource is { } source)
        {
            if (Compression.LevelRange(method) is not var (lowest, highest))
            {
                source.Report($"{Name(method)} has no level", "remove it");
            }
            else if (level < lowest || level > highest)
            {
                source.Report($"{Name(method)} has no level {level}", $"its levels are {lowest} to {highest}");
            }
        }

        return new Compression(method, Level, Threads ?? 0);
    }

    private static CompressionMethod ReadMethod(Setting setting) => Words.Choose(setting, "codec", Methods);

    private static readonly (string Word, CompressionMethod Value)[] Methods =
    [
        ("pigz", CompressionMethod.Pigz),
        ("gzip", CompressionMethod.Gzip),
        ("zstd", CompressionMethod.Zstd),
        ("bzip2", CompressionMethod.Bzip2),
        ("igzip", CompressionMethod.Igzip),
        ("none", CompressionMethod.None),
    ];

    private static string Name(CompressionMethod method) => Methods.First(known => known.Value == method).Word;
}
