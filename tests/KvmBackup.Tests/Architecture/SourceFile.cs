using System.Text.RegularExpressions;

namespace KvmBackup.Tests.Architecture;

/// <summary>One source file without its comments, so that a module may mention another without using it.</summary>
public sealed partial record SourceFile(string RelativePath, string Code, int LineCount)
{
    /// <summary>The folder below the project; empty for the root.</summary>
    public string Folder => Path.GetDirectoryName(RelativePath)!.Replace('\\', '/');

    /// <summary>The module of a file; see <see cref="ModuleRules.ModuleOf"/>.</summary>
    public string Module => ModuleRules.ModuleOf(Folder.Split('/'));

    /// <summary>Code without the contents of its plain strings, so that a message names no module by chance.</summary>
    public string CodeWithoutStrings => Strings().Replace(
        Code,
        match =>
            match.Value[0] == '"' || match.Value.StartsWith("@\"", StringComparison.Ordinal) ? "\"\"" : match.Value);

    /// <summary>The namespace it declares; null for top-level statements.</summary>
    public string? Namespace => Namespaces().Match(Code) is { Success: true } match ? match.Groups[1].Value : null;

    /// <summary>It only has attributes of the assembly, so it is in no namespace.</summary>
    public bool IsAttributesOnly =>
        Namespace is null && Types.Count == 0 && Code.Contains("[assembly:", StringComparison.Ordinal);

    /// <summary>The types at the outermost level of the file.</summary>
    public IReadOnlyList<string> Types => [.. TopLevelTypes().Matches(Code).Select(match => match.Groups[1].Value)];

    public static SourceFile Parse(string relativePath, string text)
    {
        string code = CommentsAndLiterals().Replace(
            text, match => match.Value.StartsWith('/') ? string.Empty : match.Value);
        return new SourceFile(relativePath.Replace('\\', '/'), code, text.AsSpan().Count('\n'));
    }

    // A literal is matched first and kept, so that "//" within one begins no comment.
    [GeneratedRegex("""
        "{3,}[\s\S]*?"{3,}|@\$?"(?:[^"]|"")*"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'|//[^\n]*|/\*[\s\S]*?\*/
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex CommentsAndLiterals();

    // Interpolated strings are matched, so that their closing quote opens no other, and kept: they hold code.
    [GeneratedRegex("""
        \$*"{3,}[\s\S]*?"{3,}|(?:@\$|\$?@)"(?:[^"]|"")*"|\$?"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Strings();

    [GeneratedRegex(@"^namespace\s+([\w.]+)\s*;", RegexOptions.Multiline)]
    private static partial Regex Namespaces();

    [GeneratedRegex(
        @"^(?:(?:public|internal|file|static|sealed|abstract|partial|readonly|unsafe|ref)\s+)*"
        + @"(?:class|record\s+struct|record\s+class|record|struct|interface|enum|delegate\s+[\w<>?]+)\s+(\w+)",
        RegexOptions.Multiline)]
    private static partial Regex TopLevelTypes();
}
