namespace KvmBackup.Configuration;

/// <summary>The settings of all domains that a rule selects and that have no section of their own.</summary>
/// <param name="Kind">What the rule compares.</param>
/// <param name="Pattern">The pattern for names or titles; the exact name of a group or pool.</param>
/// <param name="Excluded">Names of domains, or patterns, that the rule does not select.</param>
/// <param name="Template">The settings, with the pattern in place of a domain's name.</param>
public sealed record DomainRule(
    DomainRuleKind Kind, NamePattern Pattern, IReadOnlyList<NamePattern> Excluded, DomainSettings Template)
{
    /// <summary>The key below which the rules of a kind are.</summary>
    public string Section => Kind switch
    {
        DomainRuleKind.Name => "domains",
        DomainRuleKind.Group => "domains_by_group",
        DomainRuleKind.Title => "domains_by_title",
        _ => "domains_by_pool",
    };

    /// <summary>Whether the domain's definition must be read to decide.</summary>
    public bool NeedsDefinition => Kind != DomainRuleKind.Name;

    public bool Selects(DomainTraits domain) => Covers(domain) && !Excludes(domain);

    /// <summary>Whether the rule would select the domain without <c>exclude</c>.</summary>
    public bool Covers(DomainTraits domain) => Kind switch
    {
        DomainRuleKind.Name => Pattern.Matches(domain.Name.Value),
        DomainRuleKind.Group => Pattern.Text == domain.Labels.Group,
        DomainRuleKind.Title => domain.Labels.Title is { } title && Pattern.Matches(title),
        _ => domain.Pools.Contains(Pattern.Text),
    };

    /// <summary>Whether the domain is one of the exceptions.</summary>
    public bool Excludes(DomainTraits domain) => Excluded.Any(pattern => pattern.Matches(domain.Name.Value));

    /// <summary>Whether this rule leaves nothing for a later one.</summary>
    public bool Hides(DomainRule later) =>
        Kind is DomainRuleKind.Name or DomainRuleKind.Title && Kind == later.Kind && Excluded.Count == 0
        && Pattern.Covers(later.Pattern);

    /// <summary>The settings of a domain that the rule selects.</summary>
    public DomainSettings SettingsOf(DomainName name) => Template with { Name = name };

    public override string ToString() => $"{Section}: \"{Pattern}\"";
}

/// <summary>What a rule compares, in the order in which rules apply.</summary>
public enum DomainRuleKind
{
    /// <summary>The name of the domain.</summary>
    Name,

    /// <summary>The group in the metadata of the domain.</summary>
    Group,

    /// <summary>The title of the domain.</summary>
    Title,

    /// <summary>The Ceph pools of its disks, and the storage pools of their volumes.</summary>
    Pool,
}

/// <summary>What rules compare: of a domain in libvirt, or of one that is gone, from its newest backup.</summary>
/// <param name="Name">The name.</param>
/// <param name="Labels">Title and group.</param>
/// <param name="Pools">The Ceph pools of its disks, and the storage pools of their volumes.</param>
public sealed record DomainTraits(DomainName Name, DomainLabels Labels, IReadOnlyList<string> Pools)
{
    public static DomainTraits Of(DomainSummary domain) => new(
        domain.Domain.Name, domain.Labels,
        [.. domain.Disks.Select(disk => disk.Rbd?.Image.Pool ?? disk.Volume?.Pool).OfType<string>()]);

    /// <param name="name">The name of the domain.</param>
    /// <param name="newest">Its newest backup; null for none.</param>
    public static DomainTraits Of(DomainName name, Manifest? newest) => new(
        name, new DomainLabels(newest?.Title, newest?.Group), newest?.FindPools() ?? []);
}
