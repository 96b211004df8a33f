using System.Text.RegularExpressions;

namespace KvmBackup.Tests.Architecture;

/// <summary>The language and layout of the source: plain technical English, lines of limited length.</summary>
public sealed partial class WordTests
{
    private const int LongestLine = 120;
    private const string Program = "src/KvmBackup";
    private const string Tests = "tests/KvmBackup.Tests";
    private const string Lab = "tests/KvmBackup.Lab";


    [Fact]
    public void No_identifier_contains_a_forbidden_word() => None(
        from folder in new[] { Program, Tests, Lab }
        from source in Repository.Read(folder)
        from word in ForbiddenWords.InIdentifiers(source.CodeWithoutStrings)
        where !IsException(source.RelativePath, word)
        select $"{folder}/{source.RelativePath}: '{word}' in an identifier");

    [Fact]
    public void No_comment_or_literal_of_the_program_contains_a_forbidden_word() => None(
        from file in Repository.ReadTexts(Program)
        from word in ForbiddenWords.InText(file.Text)
        where !IsException(file.RelativePath, word)
        select $"{Program}/{file.RelativePath}: '{word}'");

    [Fact]
    public void No_test_name_begins_with_a_relative_clause() => None(
        from folder in new[] { Tests, Lab }
        from source in Repository.Read(folder)
        from match in RelativeClauses().Matches(source.CodeWithoutStrings)
        select $"{folder}/{source.RelativePath}: {match.Value}");

    [Fact]
    public void No_line_has_more_than_120_columns() => None(
        from folder in new[] { Program, Tests, Lab }
        from file in Repository.ReadTexts(folder)
        from line in file.Text.Split('\n').Index()
        where line.Item.Length > LongestLine
        select $"{folder}/{file.RelativePath}:{line.Index + 1}: {line.Item.Length} columns");

    [Fact]
    public void Every_exception_is_still_required() => Assert.All(ForbiddenWords.Exceptions, exception =>
    {
        (string _, string text) = Assert.Single(
            Repository.ReadTexts(Program), file => file.RelativePath == exception.FilePath);
        Assert.True(ForbiddenWords.InText(text).Contains(exception.Word), $"'{exception.Word}' ({exception.Reason})");
    });

    [Theory]
    [InlineData("int toldCount;", "told")]
    [InlineData("class MergedTwins;", "twins")]
    [InlineData("void A_name_is_told() => DEEDS();", "told,deeds")]
    [InlineData("int allowed = mending + Ending.Length;", "")]
    public void Words_within_identifiers_are_found(string code, string expected) =>
        Assert.Equal(expected, string.Join(',', ForbiddenWords.InIdentifiers(code)));

    [Theory]
    [InlineData("// What it Stands on", "stands on")]
    [InlineData("const string Text = \"it is made anew\";", "anew")]
    [InlineData("// The bedroom is recommended, as is known.", "")]
    public void Words_and_phrases_in_texts_are_found(string text, string expected) =>
        Assert.Equal(expected, string.Join(',', ForbiddenWords.InText(text)));

    private static bool IsException(string relativePath, string word) => ForbiddenWords.Exceptions.Any(
        exception => exception.FilePath == relativePath && exception.Word == word);

    // All of them together: xunit would truncate the list.
    private static void None(IEnumerable<string> violations)
    {
        string[] all = [.. violations];
        Assert.True(all.Length == 0, string.Join('\n', all));
    }

    [GeneratedRegex(@"\b(?:What|Who|Whoever|Whatever)_\w+(?=\s*\()")]
    private static partial Regex RelativeClauses();
}
