namespace KvmBackup.Configuration;

/// <summary>Reads the keys that defaults, hosts and domains have in common.</summary>
internal static class LayerReader
{
    public static readonly IReadOnlyList<string> Keys =
    [
        "day_of_week", "rotate", "retain", "compression", "quiesce", "disks", "overlay_dir", "freeze_timeout",
        "commit_timeout", "stall_timeout", "overlay_headroom", "verify", LimitsReader.Key, .. ChainReader.Keys,
    ];

    /// <summary>The keys that also apply without a guest.</summary>
    public static readonly IReadOnlyList<string> CommonKeys =
    [
        "day_of_week", "rotate", "retain", "compression", "stall_timeout", "verify",
        LimitsReader.Key, .. ChainReader.Keys,
    ];

    private const int MaximumBackups = 100_000;

    private static readonly (string Word, DayOfWeek[] Value)[] Days =
    [
        .. Enumerable.Range(0, 7).Select(DayNumbered).SelectMany(day => new (string, DayOfWeek[])[]
        {
            ($"{day}"[..3], [day]),
            ($"{day}", [day]),
        }),
        ("daily", [.. Enumerable.Range(0, 7).Select(DayNumbered)]),
    ];

    public static SettingsLayer Read(Section section) => new()
    {
        Schedule = section.Find("day_of_week") is { } days ? ReadSchedule(days) : null,
        Retention = ReadRetention(section),
        Compression = section.Find("compression") is { } compression ? CompressionLayer.Read(compression) : null,
        Quiesce = section.Find("quiesce") is { } quiesce ? ReadQuiesce(quiesce) : null,
        Disks = section.Find("disks") is { } disks ? ReadDisks(disks) : null,
        OverlayDirectory = section.Find("overlay_dir")?.AbsolutePath(),
        FreezeTimeout = section.Find("freeze_timeout")?.Duration(),
        CommitTimeout = section.Find("commit_timeout")?.Duration(),
        StallTimeout = section.Find("stall_timeout")?.Duration(),
        OverlayHeadroom = section.Find("overlay_headroom")?.Share(),
        VerifyBeforePublish = section.Find("verify")?.Flag(),
        Limits = section.Find(LimitsReader.Key) is { } limits ? LimitsReader.Read(limits) : null,
        Ceph = section.Find("ceph") is { } ceph ? ChainReader.ReadCeph(ceph) : null,
        FullEvery = section.Find("full_every") is { } every ? ChainReader.ReadFullEvery(every) : null,
        IsMerging = section.Find("merge")?.Flag(),
        KeepOnCluster = section.Find("keep_on_cluster")?.Number(0, ChainReader.MaximumSnapshots),
        ProtectSnapshots = section.Find("protect_snapshots")?.Flag(),
        IsDifferential = section.Find("increments") is { } increments
            ? ChainReader.ReadIsDifferential(increments) : null,
    };

    // Monday comes first, as in the messages.
    private static DayOfWeek DayNumbered(int number) => (DayOfWeek)((number + 1) % 7);

    private static Schedule ReadSchedule(Setting setting) =>
        new([.. setting.Items("days, such as [Sun, Wed], or daily").SelectMany(ReadDay).Distinct()]);

    // English words in every locale: the predecessor used strftime, and under another locale no guest was due.
    private static DayOfWeek[] ReadDay(Setting setting)
    {
        const string Choice = "days are Mon, Tue, Wed, Thu, Fri, Sat and Sun, several as [Sun, Wed], all as daily";
        if (setting.Text("a day: " + Choice) is not { } text)
        {
            return [];
        }

        foreach ((string word, DayOfWeek[] value) in Days)
        {
            if (word.Equals(text, StringComparison.OrdinalIgnoreCase))
            {
                return value;
            }
        }

        setting.Report($"unknown day '{text}'", Choice);
        return [];
    }

    private static RetentionPolicy? ReadRetention(Section section)
    {
        Setting? rotate = section.Find("rotate");
        Setting? retain = section.Find("retain");
        if (rotate is not null && retain is not null)
        {
            Setting second = retain.KeyLine >= rotate.KeyLine ? retain : rotate;
            second.ReportAtKey("both rotate and retain", "keep one, rotate: 4 is the same as retain: {last: 4}");
        }

        RetentionPolicy? rotated = rotate is null ? null : new RetentionPolicy(Last: rotate.Number(1, MaximumBackups));
        return retain is null ? rotated : ReadRetain(retain);
    }

    private static RetentionPolicy ReadRetain(Setting setting)
    {
        Section section = Section.Open(setting, "last", "daily", "weekly", "monthly", "yearly", "age");
        int Count(string key) => section.Find(key)?.Number(0, MaximumBackups) ?? 0;
        RetentionPolicy policy = new(
            Count("last"), Count("daily"), Count("weekly"), Count("monthly"), Count("yearly"),
            section.Find("age")?.Duration());
        if (policy == new RetentionPolicy() && (setting.IsNull || setting.Node is MapNode))
        {
            setting.Report("keeps nothing", "give a rule, for example {daily: 7, weekly: 4} or {age: 30d}");
        }

        return policy;
    }

    private static QuiesceMode ReadQuiesce(Setting setting) => Words.Choose(
        setting, "mode", ("try", QuiesceMode.Try), ("require", QuiesceMode.Require), ("off", QuiesceMode.Off));

    private static DiskSelection? ReadDisks(Setting setting)
    {
        Setting? exclude = Section.Open(setting, "exclude").Find("exclude");
        return exclude is null
            ? null
            : new DiskSelection([.. exclude.Items("targets, such as [vdb]").SelectMany(ReadTarget).Distinct()]);
    }

    private static DiskTarget[] ReadTarget(Setting setting)
    {
        const string Hint = "give the target device that virsh domblklist shows, such as vdb";
        if (setting.Text("a target, such as vdb") is not { } text)
        {
            return [];
        }

        if (!DiskTarget.IsValid(text))
        {
            setting.Report($"'{text}' is not a disk target", Hint);
            return [];
        }

        return [new DiskTarget(text)];
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
}
