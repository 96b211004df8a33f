namespace KvmBackup.Configuration;

/// <summary>A map whose keys are known beforehand; any other key is a mistake.</summary>
internal sealed class Section
{
    private readonly IReadOnlyList<Setting> _children;

    private Section(IReadOnlyList<Setting> children) => _children = children;

    /// <summary>Opens a map; nothing at all, <c>web1:</c>, is an empty one.</summary>
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
