using KvmBackup.Planning;

namespace KvmBackup.Runs.Inspect;

/// <summary>Reports the domains that no rule of the configuration selects, and the rules that select none.</summary>
internal static class SelectionCheck
{
    private const string Subject = "selection";
    private const int MostNames = 20;

    public static IReadOnlyList<Finding> Review(DomainChoice choice) =>
    [
        .. choice.Unmatched.Select(rule => new Finding(
            Subject, FindingSeverity.Warning, $"{rule} matches no guest of this host",
            "correct or remove it")),
        .. choice.Unselected.Count == 0 ? Array.Empty<Finding>() : [Unselected(choice.Unselected)],
    ];

    private static Finding Unselected(IReadOnlyList<DomainName> names)
    {
        string count = names.Count == 1 ? "1 guest is" : $"{names.Count} guests are";
        string rest = names.Count > MostNames ? $" and {names.Count - MostNames} more" : string.Empty;
        return new Finding(
            Subject, FindingSeverity.Warning,
            $"{count} in no rule: {string.Join(", ", names.Take(MostNames))}{rest}",
            "add them, or a pattern such as \"*\", below 'domains'; its 'exclude' names the guests that need no "
            + "backup");
    }
}
