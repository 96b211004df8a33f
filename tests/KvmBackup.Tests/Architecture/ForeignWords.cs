using System.Text.RegularExpressions;

namespace KvmBackup.Tests.Architecture;

/// <summary>Finds a word in a room that belongs to another.</summary>
public static class ForeignWords
{
    public static IEnumerable<string> Find(SourceFile source) =>
        from word in HouseRules.Words
        where !word.Rooms.Contains(source.Room)
        where !HouseRules.Exceptions.Any(
            exception => exception.FilePath == source.RelativePath && exception.Pattern == word.Pattern)
        let match = Regex.Match(source.Code, word.Pattern)
        where match.Success
        select $"{source.RelativePath} says '{match.Value}', which only {string.Join(" and ", word.Rooms)} may";
}
