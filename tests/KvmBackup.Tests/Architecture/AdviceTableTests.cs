using System.Reflection;
using System.Text.RegularExpressions;
using KvmBackup.Ceph;

namespace KvmBackup.Tests.Architecture;

/// <summary>Each advised command is run by a lab test.</summary>
public sealed partial class AdviceTableTests
{
    private static readonly IReadOnlyList<SourceFile> Lab = Repository.Read("tests/KvmBackup.Lab");

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
        AdviceTable.Tests.Values.Concat(AdviceTable.Composers.Values).Where(test => test.Length > 0).Distinct(),
        test =>
        {
            SourceFile source = Assert.Single(Lab, source => source.RelativePath == $"{test.Split('.')[0]}.cs");
            Assert.Contains($" {test.Split('.')[1]}", source.Code, StringComparison.Ordinal);
            Assert.Contains("TypeAsync(", source.Code, StringComparison.Ordinal);
        });

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
