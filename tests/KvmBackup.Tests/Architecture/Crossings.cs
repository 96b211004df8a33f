using System.Text.RegularExpressions;

namespace KvmBackup.Tests.Architecture;

/// <summary>Finds where one module uses another that the table does not allow.</summary>
public sealed partial class Crossings
{
    private readonly ILookup<string, string> typesOfModule;
    private readonly Regex relative;

    public Crossings(IReadOnlyList<SourceFile> sources)
    {
        typesOfModule = sources.SelectMany(source => source.Types.Select(type => (source.Module, Type: type)))
            .ToLookup(pair => pair.Module, pair => pair.Type);
        string folders = string.Join('|', ModuleRules.MayUse.Keys.Select(module => module.Split('/')[0]).Distinct());
        relative = new Regex($@"(?<![\w.])({folders})\s*\.\s*(\w+)");
    }

    /// <summary>One line for each crossing in a file.</summary>
    public IReadOnlyList<string> Find(SourceFile source)
    {
        // The root composes the modules and may use all of them.
        if (source.Module.Length == 0)
        {
            return [];
        }

        string code = source.CodeWithoutStrings;
        IEnumerable<string> full = Full().Matches(code)
            .Select(match => ModuleRules.ModuleOf(match.Groups[1].Value.Split('.')))
            .Where(module => module.Length > 0);
        IEnumerable<string> partial = relative.Matches(code)
            .Where(match => typesOfModule[match.Groups[1].Value].Contains(match.Groups[2].Value))
            .Select(match => match.Groups[1].Value);
        return [.. full.Concat(partial).Distinct()
            .Where(used => !IsAllowed(source.Module, used))
            .Select(used => $"{source.RelativePath}: {source.Module} must not use {used}")];
    }

    public static bool IsAllowed(string module, string used) =>
        module == used || (ModuleRules.MayUse.TryGetValue(module, out string[]? allowed) && allowed.Contains(used));

    // Covers using, using static, aliases, global using and full names.
    [GeneratedRegex(@"\bKvmBackup\s*\.\s*(\w+(?:\.\w+)?)")]
    private static partial Regex Full();
}
