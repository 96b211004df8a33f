using System.Text.RegularExpressions;

namespace KvmBackup.Tests.Architecture;

/// <summary>Finds where one room uses another that the table does not allow.</summary>
public sealed partial class Crossings
{
    private readonly ILookup<string, string> typesOfModule;
    private readonly Regex relative;

    public Crossings(IReadOnlyList<SourceFile> sources)
    {
        typesOfModule = sources.SelectMany(source => source.Types.Select(type => (source.Module, Type: type)))
            .ToLookup(pair => pair.Module, pair => pair.Type);
        string rooms = string.Join('|', ModuleRules.MayUse.Keys);
        relative = new Regex($@"(?<![\w.])({rooms})\s*\.\s*(\w+)");
    }

    /// <summary>One line for each crossing in a file.</summary>
    public IReadOnlyList<string> Find(SourceFile source)
    {
        // The root constructs the rooms and may see them all.
        if (source.Module.Length == 0)
        {
            return [];
        }

        string code = source.CodeWithoutStrings;
        IEnumerable<string> full = Full().Matches(code).Select(match => match.Groups[1].Value);
        IEnumerable<string> partial = relative.Matches(code)
            .Where(match => typesOfModule[match.Groups[1].Value].Contains(match.Groups[2].Value))
            .Select(match => match.Groups[1].Value);
        return [.. full.Concat(partial).Distinct()
            .Where(used => !IsAllowed(source.Module, used))
            .Select(used => $"{source.RelativePath}: {source.Module} must not use {used}")];
    }

    public static bool IsAllowed(string room, string used) =>
        room == used || (ModuleRules.MayUse.TryGetValue(room, out string[]? allowed) && allowed.Contains(used));

    // Covers using, using static, aliases, global using and names written out.
    [GeneratedRegex(@"\bKvmBackup\s*\.\s*(\w+)")]
    private static partial Regex Full();
}
