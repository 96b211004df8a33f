using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using KvmBackup.Configuration;

namespace KvmBackup.Cli;

/// <summary><c>--help</c> of each command, and <c>help COMMAND</c>.</summary>
internal static class HelpCommand
{
    /// <summary>Replaces the help of the library and adds the command <c>help</c>.</summary>
    /// <param name="root">The program with its other commands.</param>
    /// <param name="options">The common options.</param>
    public static void Add(RootCommand root, CommonOptions options)
    {
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Description = "print this help";
        help.Action = new Printer(options);
        root.Options.OfType<VersionOption>().Single().Description = "print the version";

        Argument<string[]> name = new("COMMAND") { Description = "a command", Arity = ArgumentArity.ZeroOrMore };
        name.Validators.Add(result =>
        {
            string[] words = [.. result.Tokens.Select(token => token.Value)];
            if (Find(root, words) is null)
            {
                string guess = NearestCommand(root, words[0]) is { } nearest
                    ? $" Did you mean '{nearest}'?" : string.Empty;
                result.AddError($"There is no command '{string.Join(' ', words)}'.{guess}");
            }
        });
        Command command = new("help", "print the help of a command") { name };
        command.SetAction(parsed => Print(parsed, Find(root, parsed.GetValue(name) ?? [])!, options));
        root.Subcommands.Add(command);
    }

    /// <summary>The lines of the help of a command.</summary>
    public static IEnumerable<string> Lines(Command command, CommonOptions options)
    {
        string? name = CommonOptions.NameOf(command);
        return new HelpText(HelpPages.Find(name), command, options.UsedBy(command)).Lines();
    }

    private static Command? Find(Command root, IEnumerable<string> words) => words.Aggregate<string, Command?>(
        root, (found, word) => found?.Subcommands.FirstOrDefault(one => one.Name == word));

    private static string? NearestCommand(Command root, string word) =>
        NearestName.Find(word, root.Subcommands.Select(one => one.Name));

    private static int Print(ParseResult parsed, Command command, CommonOptions options)
    {
        foreach (string line in Lines(command, options))
        {
            parsed.InvocationConfiguration.Output.WriteLine(line);
        }

        return (int)ExitCode.Done;
    }

    private sealed class Printer(CommonOptions options) : SynchronousCommandLineAction
    {
        // A missing argument is no mistake when help is requested.
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult) =>
            Print(parseResult, parseResult.CommandResult.Command, options);
    }
}
