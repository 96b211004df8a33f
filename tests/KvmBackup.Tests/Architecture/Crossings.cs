using System.Text.RegularExpressions;

namespace KvmBackup.Tests.Architecture;

/// <summary>Finds where one room uses another that the table does not allow.</summary>
public sealed partial class Crossings
{
    private readonly ILookup<string, string> typesOfRoom;
    private readonly Regex relative;

    public Crossings(IReadOnlyList<SourceFile> sources)
    {
        typesOfRoom = sources.SelectMany(source => source.Types.Select(type => (source.Room, Type: type)))
            .ToLookup(pair => pair.Room, pair => pair.Type);
        string rooms = string.Join('|', HouseRules.MayUse.Keys);
        relative = new Regex($@"(?<![\w.])({rooms})\s*\.\s*(\w+)");
    }

    /// <summary>One line for each crossing in a file.</summary>
    public IReadOnlyList<string> Find(SourceFile source)
    {
        // The root constructs the rooms and may see them all.
        if (source.Room.Length == 0)
        {
            return [];
        }

        string code = source.CodeWithoutStrings;
        IEnumerable<string> full = Full().Matches(code).Select(match => match.Groups[1].Value);
        IEnumerable<string> partial = relative.Matches(code)
            .Where(match => typesOfRoom[match.Groups[1].Value].Contains(match.Groups[2].Value))
            .Select(match => match.Groups[1].Value);
        return [.. full.Concat(partial).Distinct()
            .Where(used => !IsAllowed(source.Room, used))
            .Select(used => $"{source.RelativePath}: {source.Room} must not use {used}")];
    }

    public static bool IsAllowed(string room, string used) =>
        room == used || (HouseRules.MayUse.TryGetValue(room, out string[]? allowed) && allowed.Contains(used));

    // Covers using, using static, aliases, global using and names written out.
    [GeneratedRegex(@"\bKvmBackup\s*\.\s*(\w+)")]
    private static partial Regex Full();
}
