using System.CommandLine;

namespace KvmBackup.Cli;

/// <summary>Lays out the help of a command for 80 columns.</summary>
/// <param name="page">The help of the command.</param>
/// <param name="command">The command with its arguments and options.</param>
/// <param name="common">The common options that it uses.</param>
internal sealed class HelpText(HelpPage page, Command command, IReadOnlyList<Option> common)
{
    private const int Width = 80;
    private const int Indent = 2;
    private const int DescriptionColumn = 26;
    private const string Program = "kvmbackup";

    public IEnumerable<string> Lines() =>
    [
        .. Wrap(page.Text, 0, 0),
        .. Section("Synopsis", page.Synopsis.SelectMany(form => Wrap($"{Program} {form}", Indent, 3 * Indent))),
        .. Section("Arguments", command.Arguments.SelectMany(one => Entry(one.Name, one.Description))),
        .. Section("Options", Options(Ungrouped)),
        .. page.Groups.SelectMany(group => Section(group.Title, Members(group))),
        .. Section("Common options", Options(common)),
        .. Section("Examples", page.Examples.SelectMany(example => (string[])
            [.. Wrap(example.Purpose, Indent, Indent), .. Wrap(example.CommandLine, 2 * Indent, 3 * Indent)])),
        .. Section("Exit codes", page.ExitCodes.SelectMany(code => Entry(code.Code, code.Meaning, column: 12))),
    ];

    private IEnumerable<Option> Ungrouped => command is RootCommand ? []
        : command.Options.Where(option => !page.Groups.Any(group => group.Names.Contains(option.Name)));

    private IEnumerable<string> Members(HelpGroup group) => group.Names.SelectMany(name =>
        command.Options.FirstOrDefault(one => one.Name == name) is { } option ? Options([option])
        : Entry(name, command.Subcommands.First(one => one.Name == name).Description));

    private static IEnumerable<string> Section(string title, IEnumerable<string> lines)
    {
        string[] all = [.. lines];
        return all.Length == 0 ? [] : [string.Empty, $"{title}:", .. all];
    }

    private static IEnumerable<string> Options(IEnumerable<Option> options) =>
        options.Where(option => !option.Hidden).SelectMany(option => Entry(Term(option), option.Description));

    private static string Term(Option option) =>
        string.Join(", ", Names(option)) + (option.HelpName is { } value ? $" {value}" : string.Empty);

    // Short names first, as in other manuals; further long names are not shown.
    private static IEnumerable<string> Names(Option option) =>
        option.Aliases.Where(alias => alias.Length == 2 && alias[0] == '-' && alias != "-?").Append(option.Name);

    private static IEnumerable<string> Entry(string term, string? description, int column = DescriptionColumn)
    {
        string start = new string(' ', Indent) + term;
        string[] lines = [.. Wrap(description ?? string.Empty, column, column)];
        return start.Length > column - Indent
            ? [start, .. lines] : [start.PadRight(column) + lines[0].TrimStart(), .. lines[1..]];
    }

    private static IEnumerable<string> Wrap(string text, int first, int next)
    {
        string line = new(' ', first);
        bool isEmpty = true;
        foreach (string word in text.Split(' '))
        {
            if (!isEmpty && line.Length + 1 + word.Length > Width)
            {
                yield return line;
                (line, isEmpty) = (new string(' ', next), true);
            }

            line += isEmpty ? word : $" {word}";
            isEmpty = false;
        }

        yield return line;
    }
}
