using KvmBackup.Configuration;

namespace KvmBackup.Planning;

/// <summary>Decides which domains of a host the configuration selects, and which it does not.</summary>
public static class DomainChooser
{
    /// <param name="settings">The configuration.</param>
    /// <param name="domains">All domains of this libvirt.</param>
    /// <param name="requested">Names that are backed up even if nothing selects them.</param>
    public static DomainChoice Choose(
        HostSettings settings, IReadOnlyList<DomainSummary> domains, IReadOnlyList<string> requested)
    {
        DomainTraits[] others =
        [
            .. domains.Select(DomainTraits.Of)
                .Where(one => settings.Domains.All(domain => domain.Name != one.Name)),
        ];
        DomainTraits[] unselected = [.. others.Where(one => settings.FindRule(one) is null)];
        DomainSettings[] found =
        [
            .. settings.Rules.SelectMany(rule => others.Where(one => settings.FindRule(one) == rule)
                .Select(one => rule.SettingsOf(one.Name))),
            .. unselected.Where(one => requested.Contains(one.Name.Value))
                .Select(one => settings.Unlisted with { Name = one.Name, IsUnlisted = true }),
        ];
        return new DomainChoice(
            settings with { Domains = [.. settings.Domains, .. found] },
            [.. unselected.Where(one => !settings.Rules.Any(rule => rule.Covers(one))).Select(one => one.Name)],
            [.. settings.Rules.Where(rule => !domains.Any(domain => rule.Covers(DomainTraits.Of(domain))))]);
    }
}

/// <summary>The domains that the configuration selects.</summary>
/// <param name="Settings">The configuration with each selected domain by its name: those of the file, then those of
/// each rule in the order of the rules.</param>
/// <param name="Unselected">The domains that no rule selects or excludes.</param>
/// <param name="Unmatched">The rules that match no domain.</param>
public sealed record DomainChoice(
    HostSettings Settings, IReadOnlyList<DomainName> Unselected, IReadOnlyList<DomainRule> Unmatched);
