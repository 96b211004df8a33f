using System.Reflection;
using System.Text.RegularExpressions;
using KvmBackup.Ceph;

namespace KvmBackup.Tests.Architecture;

/// <summary>Each advised command is run by a lab test.</summary>
public sealed partial class AdviceTableTests
{
    private static readonly IReadOnlyList<SourceFile> Lab = Repository.Read("tests/KvmBackup.Lab");
    private static readonly IReadOnlyList<SourceFile> Units = Repository.Read("tests/KvmBackup.Tests");

    // Restore guides, whose commands the tests of RESTORE.md run, and the composers of the second table.
    private static readonly string[] Elsewhere =
        ["Planning/RestoreGuide.cs", "Planning/ImageGuide.cs", "Model/Domains/OverlayAdvice.cs"];

    [Fact]
    public void The_table_lists_exactly_the_commands_between_backticks() => Assert.Equal(
        AdviceTable.Tests.Keys.Select(row => $"{row.FilePath}: {row.Command}").Order(StringComparer.Ordinal),
        Repository.Sources.Where(source => !Elsewhere.Contains(source.RelativePath))
            .SelectMany(source => CommandsIn(source.Code).Select(command => $"{source.RelativePath}: {command}"))
            .Where(row => row != "Ceph/RbdAdvice.cs: …").Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void The_table_lists_exactly_the_members_that_compose_advice() => Assert.Equal(
        AdviceTable.Composers.Keys.Order(StringComparer.Ordinal),
        new[] { typeof(OverlayAdvice), typeof(RbdAdvice) }
            .SelectMany(type => type.GetMembers(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Select(member => $"{member.DeclaringType!.Name}.{member.Name}").Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void Every_test_of_the_table_exists_and_runs_advised_commands() => Assert.All(
        AdviceTable.Tests.Values.Concat(AdviceTable.Composers.Values).Distinct(),
        test =>
        {
            SourceFile source = SourceOf(test);
            Assert.Contains($" {test.Split('.')[1]}(", source.Code, StringComparison.Ordinal);
            Assert.True(IsUnit(test) || source.Code.Contains("TypeAsync(", StringComparison.Ordinal), test);
        });

    [Fact]
    public void Every_test_of_the_table_names_the_program_and_the_verb_of_its_command() => Assert.Empty(
        AdviceTable.Tests.SelectMany(row => WordsOf(row.Key)
            .Where(words => !SourceOf(row.Value).Code.Contains(
                IsUnit(row.Value) ? $"`{words}`" : $"\"{words}", StringComparison.Ordinal))
            .Select(words => $"{row.Value}: {words}")));

    [Fact]
    public void Only_printed_calls_have_their_words_in_the_second_table() => Assert.Equal(
        AdviceTable.PrintedCalls.Keys.Order(StringComparer.Ordinal),
        AdviceTable.Tests.Keys.Where(row => row.Command == "…").Select(row => row.FilePath)
            .Order(StringComparer.Ordinal));

    [Fact]
    public void Every_command_between_backticks_begins_with_a_known_program() => Assert.All(
        Repository.Sources.Where(source => !Elsewhere.Take(2).Contains(source.RelativePath))
            .SelectMany(source => CommandsIn(source.Code)),
        command => Assert.Contains(command[0] == '…' ? "…" : command.Split(' ')[0], AdviceTable.Programs));

    [Fact]
    public void No_message_advises_virsh_without_connection_options() => Assert.Empty(
        Repository.Sources.Where(source => source.RelativePath != "Planning/RestoreGuide.cs")
            .SelectMany(source => PlainVirsh().Matches(source.Code)
                .Select(match => $"{source.RelativePath}: {match.Value}")));

    [Fact]
    public void Commands_are_found_in_concatenated_and_interpolated_strings() => Assert.Equal(
        ["… start …", "rm …", "rbd info …", "kvmbackup recover"],
        CommandsIn(""""
            string a = $"first: `{virsh} " + $"start {(b ? $"{c}" : "d")}` ; then: `rm " + Quote(e) + "` ; and "
                + RbdAdvice.Type(location, "info", f.Spec) + "`kvmbackup recover`";
            """"));

    // A unit test has the path of its file.
    private static bool IsUnit(string test) => test.Contains('/', StringComparison.Ordinal);

    private static SourceFile SourceOf(string test) => Assert.Single(
        IsUnit(test) ? Units : Lab, source => source.RelativePath == $"{test.Split('.')[0]}.cs");

    // The words before the first inserted value.
    private static IReadOnlyList<string> WordsOf((string FilePath, string Command) row) => row.Command == "…"
        ? AdviceTable.PrintedCalls[row.FilePath]
        : [(row.Command[0] == '…' ? "virsh " : string.Empty) + row.Command.TrimStart('…', ' ').Split(" …")[0]];

    private static IEnumerable<string> CommandsIn(string code)
    {
        string joined = RbdCalls().Replace(code, match =>
            $"\"`rbd {string.Join(' ', match.Groups["word"].Captures.Select(word => word.Value))} …`\"");
        joined = Between().Replace(Joint().Replace(joined, string.Empty), "{}");
        joined = Joint().Replace(joined, string.Empty);
        for (string before = string.Empty; before != joined;)
        {
            (before, joined) = (joined, Hole().Replace(joined, "…"));
        }

        return Command().Matches(joined).Select(match => match.Groups[1].Value);
    }

    // The end of one string and the start of the next.
    [GeneratedRegex("""
        "\s*\+\s*\$?"
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Joint();

    [GeneratedRegex("""
        "\s*\+\s*[\w.]+\([\w.]*\)\s*\+\s*\$?"
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Between();

    [GeneratedRegex("""
        RbdAdvice\.Type\([\w.]+(?:,\s*"(?<word>[^"]+)")+(?:,[^,()]*(?:\([^()]*\))?)?\)
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex RbdCalls();

    [GeneratedRegex(@"\{[^{}`\n]*\}")]
    private static partial Regex Hole();

    [GeneratedRegex("`([^`\n]+)`")]
    private static partial Regex Command();

    [GeneratedRegex("""
        `virsh[ ]|virsh[ ](?!said|managedsave[,)]|managedsave-remove\.|secret-list|list\s--all\sshows
        |domblklist\sshows|start\swould|edit")[a-z-]+[ ]
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex PlainVirsh();
}
