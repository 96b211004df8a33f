namespace KvmBackup.Configuration;

/// <summary>Reads the keys for Ceph and for increments.</summary>
internal static class ChainReader
{
    public static readonly IReadOnlyList<string> Keys =
        ["ceph", "full_every", "increments", "keep_on_cluster", "merge", "protect_snapshots"];

    public const int MaximumSnapshots = 500;

    private const int MaximumPoints = 10_000;

    public static CephSettings ReadCeph(Setting setting)
    {
        Section section = Section.Open(setting, "conf", "user", "keyring");
        return new CephSettings(
            section.Find("conf")?.AbsolutePath(), section.Find("user") is { } user ? ReadUser(user) : null,
            section.Find("keyring")?.AbsolutePath());
    }

    public static ChainPolicy ReadFullEvery(Setting setting)
    {
        if (setting.Node is not MapNode && !setting.IsNull)
        {
            return new ChainPolicy(setting.Number(1, MaximumPoints), Age: null, IsDifferential: false);
        }

        Section section = Section.Open(setting, "points", "age");
        ChainPolicy policy = new(
            section.Find("points")?.Number(1, MaximumPoints), section.Find("age")?.Duration(), IsDifferential: false);
        if (policy is { Points: null, Age: null })
        {
            setting.Report("never makes a full backup again", "give points, age, or both: {points: 7, age: 30d}");
        }

        return policy;
    }

    public static bool ReadIsDifferential(Setting setting) =>
        Words.Choose(setting, "kind of increment", ("incremental", false), ("differential", true));

    private static string? ReadUser(Setting setting)
    {
        string? user = setting.Text("a Ceph user");
        if (user is not null && (user.StartsWith('-') || user.StartsWith("client.", StringComparison.Ordinal)
            || user.Any(char.IsControl)))
        {
            setting.Report($"'{user}' is not a user", "give it without 'client.', such as backup");
        }

        return user;
    }
}
