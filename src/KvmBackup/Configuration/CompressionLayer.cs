namespace KvmBackup.Configuration;

/// <summary>What one level of the file says about compression: the short form <c>zstd</c> or the map.</summary>
internal sealed record CompressionLayer(CompressionMethod? Method, int? Level, Setting? LevelSource, int? Threads)
{
    private const int MostThreads = 1024;

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
            section.Find("threads")?.Number(0, MostThreads));
        if (layer.Method is not null)
        {
            _ = layer.ToCompression();
        }

        return layer;
    }

    /// <summary>
    /// This level on top of a farther one. A level belongs to its method: who names a method does not inherit the
    /// level of another.
    /// </summary>
    public CompressionLayer Over(CompressionLayer? farther)
    {
        bool isLevelInherited = Method is null && Level is null;
        return farther is null
            ? this
            : new CompressionLayer(
                Method ?? farther.Method,
                isLevelInherited ? farther.Level : Level,
                isLevelInherited ? farther.LevelSource : LevelSource,
                Threads ?? farther.Threads);
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
