namespace KvmBackup.Configuration;

/// <summary>Reads the domains of a host and the rules that select domains, over the host's settings.</summary>
internal static class DomainReader
{
    public const string Key = "domains";

    private const string ByGroupKey = "domains_by_group";
    private const string ByTitleKey = "domains_by_title";
    private const string ByPoolKey = "domains_by_pool";
    private const string ExcludeKey = "exclude";

    /// <summary>The keys below which there are only rules.</summary>
    public static readonly IReadOnlyList<string> RuleKeys = [ByGroupKey, ByTitleKey, ByPoolKey];

    private static readonly IReadOnlyList<string> Keys = [.. LayerReader.Keys, ExcludeKey];

    /// <param name="host">The host, for messages.</param>
    /// <param name="section">Its section.</param>
    /// <param name="hostLayer">The host's settings.</param>
    /// <param name="isRequired">The host selects nothing else.</param>
    /// <returns>The domains by their names, and the rules in the order in which they apply.</returns>
    public static (DomainSettings[] Domains, DomainRule[] Rules) Read(
        Setting host, Section section, SettingsLayer hostLayer, bool isRequired)
    {
        IReadOnlyList<Setting> entries =
            section.Find(Key) is not null || isRequired ? ReadEntries(host, section.Find(Key)) : [];
        (Setting Entry, DomainRule Rule)[] rules =
        [
            .. entries.Where(IsPattern).Select(entry => ReadRule(entry, DomainRuleKind.Name, hostLayer)),
            .. ReadRules(section.Find(ByGroupKey), "groups, for example 'gold", DomainRuleKind.Group, hostLayer),
            .. ReadRules(section.Find(ByTitleKey), "titles, for example 'Web *", DomainRuleKind.Title, hostLayer),
            .. ReadRules(section.Find(ByPoolKey), "pools, for example 'rbd", DomainRuleKind.Pool, hostLayer),
        ];
        ReportHidden(rules);
        return ([.. entries.Where(entry => !IsPattern(entry)).Select(entry => ReadNamed(entry, hostLayer))],
            [.. rules.Select(rule => rule.Rule)]);
    }

    private static bool IsPattern(Setting entry) => NamePattern.IsPattern(entry.Name);

    private static IReadOnlyList<Setting> ReadEntries(Setting host, Setting? domains)
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

        return domains.Children("a map of guests by their libvirt names");
    }

    private static IEnumerable<(Setting Entry, DomainRule Rule)> ReadRules(
        Setting? rules, string example, DomainRuleKind kind, SettingsLayer hostLayer) =>
        rules is null ? [] : rules.Children($"a map of {example}: {{day_of_week: daily, rotate: 7}}'")
            .Select(entry => ReadRule(entry, kind, hostLayer));

    private static (Setting Entry, DomainRule Rule) ReadRule(
        Setting entry, DomainRuleKind kind, SettingsLayer hostLayer)
    {
        string text = kind == DomainRuleKind.Pool ? ImageReader.ReadPool(entry, entry.Name) : entry.Name;
        if (kind is DomainRuleKind.Group or DomainRuleKind.Title && string.IsNullOrWhiteSpace(text))
        {
            entry.ReportAtKey(
                kind == DomainRuleKind.Group ? "an empty group" : "an empty title",
                kind == DomainRuleKind.Group ? "give the group that the metadata of the guests have"
                    : "give the title of a guest, or a pattern such as \"Web *\"");
            text = "?";
        }

        Section section = Section.Open(entry, Keys);
        NamePattern[] excluded = section.Find(ExcludeKey) is { } exclude ? ReadExcluded(exclude) : [];
        return (entry, new DomainRule(kind, new NamePattern(text), excluded, Read(entry, text, section, hostLayer)));
    }

    private static DomainSettings ReadNamed(Setting domain, SettingsLayer hostLayer)
    {
        Section section = Section.Open(domain, Keys);
        section.Find(ExcludeKey)?.ReportAtKey(
            $"'{domain.Name}' is one guest, not a pattern",
            "to leave out disks: 'disks: {exclude: [vdb]}'; to leave out guests, put it below a pattern such as \"*\"");
        return Read(domain, domain.Name, section, hostLayer);
    }

    private static DomainSettings Read(Setting domain, string name, Section section, SettingsLayer hostLayer)
    {
        SettingsLayer layer = LayerReader.Read(section).Over(hostLayer);
        LayerReader.ReportInvalid(domain, layer);
        return layer.ToDomain(ReadName(domain, name));
    }

    private static void ReportHidden((Setting Entry, DomainRule Rule)[] rules)
    {
        for (int index = 0; index < rules.Length; index++)
        {
            DomainRule later = rules[index].Rule;
            if (rules[..index].FirstOrDefault(earlier => earlier.Rule.Hides(later)).Entry is { } first)
            {
                rules[index].Entry.ReportAtKey(
                    $"it is never used, because '{first.Name}' on line {first.KeyLine} matches all of its guests",
                    $"put it before '{first.Name}'");
            }
        }
    }

    private static NamePattern[] ReadExcluded(Setting setting) =>
        [.. setting.Items("a name, a pattern such as test*, or several in brackets").SelectMany(ReadExcludedName)];

    // A blank at either end is part of a name.
    private static NamePattern[] ReadExcludedName(Setting setting)
    {
        if (setting.Node is TextNode { IsNull: false } node && DomainName.IsValid(node.Text))
        {
            return [new NamePattern(node.Text)];
        }

        if (setting.Text("a name, or a pattern such as test*") is not null)
        {
            setting.Report("matches no guest", "give a name that virsh list --all shows, or a pattern such as test*");
        }

        return [];
    }

    private static DomainName ReadName(Setting domain, string name)
    {
        try
        {
            return new DomainName(name);
        }
        catch (ModelException failure)
        {
            domain.ReportAtKey(failure.Message.TrimEnd('.'), "give the name that virsh list --all shows");
            return new DomainName("?");
        }
    }
}
