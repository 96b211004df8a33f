namespace KvmBackup.Configuration;

/// <summary>A map with a fixed set of keys; any other key is an error.</summary>
internal sealed class Section
{
    private readonly IReadOnlyList<Setting> _children;

    private Section(IReadOnlyList<Setting> children) => _children = children;

    /// <summary>Opens a map; a missing value, <c>web1:</c>, is an empty map.</summary>
    public static Section Open(Setting setting, params IReadOnlyList<string> knownKeys)
    {
        IReadOnlyList<Setting> children =
            setting.IsNull ? [] : setting.Children($"keys and values, {Words.List(knownKeys)}");
        foreach (Setting unknown in children.Where(child => !knownKeys.Contains(child.Name)))
        {
            string hint = NearestName.Find(unknown.Name, knownKeys) is { } nearest
                ? $"did you mean '{nearest}'?"
                : $"keys here are {Words.List(knownKeys)}";
            unknown.ReportAtKey("unknown key", hint);
        }

        return new Section(children);
    }

    public Setting? Find(string name) => _children.FirstOrDefault(child => child.Name == name);
}
