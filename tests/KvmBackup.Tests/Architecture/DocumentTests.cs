using System.Text.RegularExpressions;
using KvmBackup.Cli;
using KvmBackup.Reporting;
using KvmBackup.Shell;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Architecture;

/// <summary>The documents are short, and name every command, option and key of the program.</summary>
public sealed partial class DocumentTests
{
    private const string Manual = "src/manual/kvmbackup.8.md";
    private const string ConfigurationManual = "src/manual/kvmbackup.yml.5.md";
    private const int LongestLine = 120;

    private static readonly string[] Documents =
    [
        "README.md", "src/README.md", "tests/bench/README.md", "config.yml.sample", "examples/quickstart.sh",
        "examples/kvmbackup-recover.service", Manual, ConfigurationManual, "src/manual/kvmbackup-format.5.md",
    ];

    [Theory]
    [InlineData("README.md", 1500)]
    [InlineData("src/README.md", 2600)]
    public void A_read_me_is_short(string path, int mostWords) =>
        Assert.InRange(Word().Count(Repository.ReadText(path)), 1, mostWords - 1);

    [Fact]
    public void Lines_of_documents_have_at_most_120_columns()
    {
        // A row of a table cannot be wrapped.
        string[] wide = [.. Documents.SelectMany(path => Repository.ReadText(path).Split('\n')
            .Where(line => line.Length > LongestLine && !line.StartsWith('|')).Select(line => $"{path}: {line}"))];
        Assert.True(wide.Length == 0, string.Join('\n', wide));
    }

    [Fact]
    public async Task Every_command_and_option_is_in_the_manual()
    {
        string manual = Repository.ReadText(Manual);
        string[] commands = await CommandsAsync();
        Assert.Contains("restore", commands);
        foreach (string command in commands)
        {
            Assert.Matches($@"(?m)^## {command}\b", manual);
            if (command != "help")
            {
                await AssertOptionsAsync(manual, command);
            }
        }

        foreach (string action in new[] { "list", "trim", "reset" })
        {
            Assert.Contains($"**snapshots {action}**", manual, StringComparison.Ordinal);
            await AssertOptionsAsync(manual, "snapshots", action);
        }
    }

    [Fact]
    public void Every_option_of_the_manual_is_one_of_the_program()
    {
        string sources = string.Concat(SourcesOf("Cli").Select(source => source.Code));
        foreach (Match option in ManualOption().Matches(Repository.ReadText(Manual)))
        {
            Assert.True(
                option.Value is "--help" or "--version"
                    || sources.Contains($"\"{option.Value}\"", StringComparison.Ordinal),
                $"{Manual} names {option.Value}, which no command has");
        }
    }

    [Theory]
    [InlineData("README.md")]
    [InlineData(Manual)]
    [InlineData(ConfigurationManual)]
    public void Every_command_in_a_document_is_accepted_by_the_command_line(string path)
    {
        CommandLine program = new(
            (_, _) => throw new InvalidOperationException(), StandardStreams.Open(), TimeProvider.System);
        string text = Repository.ReadText(path).Replace("\\\n", " ", StringComparison.Ordinal);
        string[] examples = [.. Example().Matches(text).Select(match => match.Groups["words"].Value.Trim())];
        Assert.NotEmpty(examples);
        foreach (string example in examples)
        {
            string[] arguments = [.. Word().Matches(example).Select(word => word.Value)];
            string mistakes = string.Join(' ', program.FindMistakes(arguments));
            Assert.True(mistakes.Length == 0, $"{path}: kvmbackup {example}: {mistakes}");
        }
    }

    [Fact]
    public void Every_key_of_the_configuration_is_in_the_manual_and_in_the_sample()
    {
        string manual = Repository.ReadText(ConfigurationManual);
        string sample = Repository.ReadText("config.yml.sample");
        string[] keys = ConfigurationKeys();
        Assert.Contains("overlay_headroom", keys);
        Assert.Contains("ready_file", keys);
        foreach (string key in keys)
        {
            Assert.Matches($@"(?m)^(.*, )?\*\*{key}\*\*(, .*)?$", manual);
            Assert.Matches($@"(?m)\b{key}:", sample);
        }
    }

    [Fact]
    public void The_table_of_modules_matches_the_rules()
    {
        string modules = Repository.ReadText("src/README.md").Split("\n## ")
            .Single(part => part.StartsWith("Modules", StringComparison.Ordinal));
        Dictionary<string, string> table = ModuleRow().Matches(modules)
            .ToDictionary(row => row.Groups["module"].Value, row => row.Groups["uses"].Value.Trim());
        Assert.Equal(ModuleRules.MayUse.Keys, table.Keys);
        foreach ((string module, string[] used) in ModuleRules.MayUse)
        {
            // The text above the table allows these two.
            string uses = string.Join(", ", used.Except(["Model", "Runs"]));
            Assert.Equal($"{module}: {uses}", $"{module}: {table[module]}");
        }
    }

    [Fact]
    public void Links_of_the_read_mes_lead_to_files()
    {
        foreach (string path in new[] { "README.md", "src/README.md", "tests/bench/README.md" })
        {
            foreach (string link in Link().Matches(Repository.ReadText(path)).Select(link => link.Groups["path"].Value))
            {
                string target = Path.Combine(Path.GetDirectoryName(path)!, link);
                Assert.True(Repository.Has(target), $"{path} links to {link}, which does not exist");
            }
        }
    }

    private static async Task AssertOptionsAsync(string manual, params string[] command)
    {
        string help = await HelpAsync(command);
        string[] options = [.. LongOption().Matches(help).Select(match => match.Value).Distinct()];
        Assert.Contains("--config", options);
        Assert.All(options, option => Assert.Matches($@"(?<![\w-]){option}(?![\w-])", manual));
    }

    private static async Task<string[]> CommandsAsync()
    {
        string help = (await HelpAsync()).Split("Common options:")[0].Split("Synopsis:")[1];
        return [.. Command().Matches(help)
            .Select(match => match.Groups["name"].Value)];
    }

    private static IEnumerable<SourceFile> SourcesOf(string module) =>
        Repository.Sources.Where(source => source.Module == module);

    // The keys that the reader of the configuration looks up.
    private static string[] ConfigurationKeys() => [.. SourcesOf("Configuration")
        .SelectMany(source => KeyLookup().Matches(source.Code)).Select(match => match.Groups["key"].Value).Distinct()];

    private static async Task<string> HelpAsync(params string[] command)
    {
        ProgramResult result = await new ProcessRunner(Logger.None, TimeProvider.System).RunAsync(
            new ProgramCall(BuiltProgram.FilePath, [.. command, "--help"]),
            CancellationToken.None);
        Assert.Equal(0, result.ExitCode);
        return result.StandardOutput;
    }

    [GeneratedRegex(@"\S+")]
    private static partial Regex Word();

    // On a line of its own, in a crontab, in bold or as code; up to a comment, a pipe or the end.
    [GeneratedRegex(@"(?:^(?:.*\broot)? *|\*\*|`)kvmbackup (?!- )(?<words>[^#|*`\n]+)", RegexOptions.Multiline)]
    private static partial Regex Example();

    [GeneratedRegex(@"(?<![\w-])--[a-z][a-z-]*[a-z]")]
    private static partial Regex LongOption();

    [GeneratedRegex(@"(?<=^\*\*|, \*\*)--[a-z][a-z-]*(?=\*\*.*\n:   )", RegexOptions.Multiline)]
    private static partial Regex ManualOption();

    [GeneratedRegex(@"^  (?<name>[a-z]+)  ", RegexOptions.Multiline)]
    private static partial Regex Command();

    [GeneratedRegex(@"(?:\b(?:Find|Count)\(|const string \w*Key = )""(?<key>[a-z_]+)""")]
    private static partial Regex KeyLookup();

    [GeneratedRegex(@"^\| `(?<module>[\w/]+)` \| [^|]* \|(?<uses>[\w/, ]*)\|$", RegexOptions.Multiline)]
    private static partial Regex ModuleRow();

    [GeneratedRegex(@"\]\((?<path>[^)#:]+)(#[^)]*)?\)")]
    private static partial Regex Link();
}
