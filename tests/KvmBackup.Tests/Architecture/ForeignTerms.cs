using System.Text.RegularExpressions;

namespace KvmBackup.Tests.Architecture;

/// <summary>Finds terms that belong to another module.</summary>
public static class ForeignTerms
{
    public static IEnumerable<string> Find(SourceFile source) =>
        from word in ModuleRules.Words
        where !word.Modules.Contains(source.Module)
        where !ModuleRules.Exceptions.Any(
            exception => exception.FilePath == source.RelativePath && exception.Pattern == word.Pattern)
        let match = Regex.Match(source.Code, word.Pattern)
        where match.Success
        let modules = string.Join(" and ", word.Modules)
        select $"{source.RelativePath} uses '{match.Value}', which is allowed in {modules} only";
}
