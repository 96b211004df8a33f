using KvmBackup.Cli;
using KvmBackup.Reporting;

namespace KvmBackup.Tests.Cli;

/// <summary>The help of each command, and of the program.</summary>
public sealed class HelpTests
{
    private static readonly string[] Commands =
    [
        "", "run", "backup", "list", "show", "verify", "restore", "assemble", "cat", "compare", "prune", "recover",
        "check", "snapshots", "snapshots list", "snapshots trim", "snapshots reset", "help",
    ];

    public static TheoryData<string> All => [.. Commands];

    [Fact]
    public void Every_command_has_its_help() => Assert.Equal(Commands.Order(), Program().Help().Keys.Order());

    [Theory]
    [MemberData(nameof(All))]
    public void Help_fits_80_columns_and_has_all_sections(string command)
    {
        string[] lines = [.. Program().Help()[command]];

        Assert.All(lines, line => Assert.InRange(line.Length, 0, 80));
        Assert.All(lines, line => Assert.Equal(line.TrimEnd(), line));
        Assert.Empty(new[] { "Synopsis:", "Examples:", "Exit codes:" }.Except(lines));
        Assert.StartsWith(
            $"  kvmbackup {command}".TrimEnd(), After(lines, "Synopsis:").First(), StringComparison.Ordinal);
        Assert.All(After(lines, "Exit codes:"), line => Assert.Matches("^  [ 0-9,]{10}[a-z]|^ {12}", line));
        Assert.InRange(Examples(lines).Count(), 2, 4);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void The_examples_of_the_help_are_valid_command_lines(string command) =>
        Assert.All(Examples(Program().Help()[command]), example => Assert.Empty(Program().FindMistakes(
            [.. example.Split(" | ")[0].Split(' ').Skip(1)])));

    [Theory]
    [InlineData("restore", "Destination:", "--to DIR|rbd:POOL[/NAMESPACE][/IMAGE]")]
    [InlineData("restore", "Overwriting:", "--replace NAME")]
    [InlineData("verify", "How much is read:", "--sample SHARE")]
    [InlineData("run", "Options:", "-d, --domain A,B")]
    [InlineData("run", "Common options:", "--wait SECONDS")]
    [InlineData("", "Common options:", "--version")]
    [InlineData("", "Backing up:", "run")]
    [InlineData("snapshots", "Commands:", "trim")]
    [InlineData("cat", "Arguments:", "DISK|FILE")]
    public void Options_are_grouped(string command, string group, string option) =>
        Assert.Contains(
            After([.. Program().Help()[command]], group),
            line => line.StartsWith($"  {option}", StringComparison.Ordinal));

    [Theory]
    [InlineData("list", "--wait")]
    [InlineData("list", "--connect")]
    [InlineData("cat", "--json")]
    [InlineData("run", "--backupdir")]
    public void Help_omits_common_options_that_the_command_refuses(string command, string option) =>
        Assert.DoesNotContain(
            Program().Help()[command], line => line.StartsWith($"  {option}", StringComparison.Ordinal));

    private static CommandLine Program() =>
        new((_, _) => throw new InvalidOperationException(), StandardStreams.Open(), TimeProvider.System);

    /// <summary>The command lines, of which long ones are wrapped with a deeper indentation.</summary>
    private static IEnumerable<string> Examples(IReadOnlyList<string> lines) =>
        string.Join('\n', After([.. lines], "Examples:")).Replace("\n      ", " ", StringComparison.Ordinal)
            .Split('\n').Where(line => line.StartsWith("    kvmbackup ", StringComparison.Ordinal))
            .Select(line => line.Trim());

    private static IEnumerable<string> After(string[] lines, string title) =>
        lines.SkipWhile(line => line != title).Skip(1).TakeWhile(line => line.Length > 0);
}
