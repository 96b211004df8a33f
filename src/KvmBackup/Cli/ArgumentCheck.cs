using System.CommandLine;
using KvmBackup.Configuration;

namespace KvmBackup.Cli;

/// <summary>
/// Finds mistakes that the library would accept with another meaning: an option in the place of a value, a misspelt
/// option in the place of a name, an empty value. Everything after a bare <c>--</c> is a name.
/// </summary>
internal sealed class ArgumentCheck(Command root)
{
    private const string EndOfOptions = "--";

    /// <returns>One sentence for each mistake.</returns>
    public IEnumerable<string> Find(string[] arguments)
    {
        Command command = root;
        bool hasNames = false;
        for (int place = 0; place < arguments.Length; place++)
        {
            string word = arguments[place];
            if (word == EndOfOptions)
            {
                yield break;
            }

            if (IsOption(word))
            {
                (string? mistake, bool takesNext) = Check(command, word, arguments.ElementAtOrDefault(place + 1));
                place += takesNext ? 1 : 0;
                if (mistake is not null)
                {
                    yield return mistake;
                }
            }
            else if (!hasNames && command.Subcommands.FirstOrDefault(one => one.Name == word) is { } sub)
            {
                command = sub;
            }
            else if (FindMisplaced(command, word) is { } mistake)
            {
                yield return mistake;
                yield break;
            }
            else
            {
                hasNames = true;
            }
        }
    }

    private static bool IsOption(string word) => word.Length > 1 && word[0] == '-';

    private static string? FindMisplaced(Command command, string word) =>
        word.Length == 0 ? "An empty name was given; quote a variable only if it is set."
        : command.Subcommands.Count > 0
            ? $"There is no command '{(command is RootCommand ? string.Empty : $"{command.Name} ")}{word}'."
            + Guess(word, command.Subcommands.Select(one => one.Name))
        : command.Arguments.Count > 0 ? null
        : command.Name == "run" ? $"run takes no name, but '{word}' was given. "
            + $"To back it up now, whatever the day: kvmbackup backup {word}"
        : $"{command.Name} takes no name, but '{word}' was given.";

    /// <returns>The mistake in an option, and whether the next word is its value.</returns>
    private (string? Mistake, bool TakesNext) Check(Command command, string word, string? next)
    {
        Option[] known = [.. Known(command)];
        int end = word.IndexOfAny(['=', ':']);
        string name = end < 0 ? word : word[..end];
        Option? option = Named(known, name);
        string? value = end < 0 ? null : word[(end + 1)..];
        if (option is null && !word.StartsWith(EndOfOptions, StringComparison.Ordinal))
        {
            (option, value) = LastOfBundle(known, word);
        }

        if (option is null)
        {
            return (Unknown(command, known, name), false);
        }

        if (option.Arity.MinimumNumberOfValues == 0)
        {
            return (null, false);
        }

        string usage = option.HelpName is { } help ? $" {help}" : string.Empty;
        return (value ?? next) switch
        {
            null => ($"{name} requires a value:{usage}.", false),
            "" => ($"{name} requires a value:{usage}. An empty one was given.", value is null),
            _ when value is null && IsOption(next!) => (
                $"{name} requires a value:{usage}. The option '{next}' follows it. "
                    + $"Write a value that begins with a dash as {name}={next}",
                Named(known, next!) is null),
            _ => (null, value is null),
        };
    }

    /// <summary>Finds the last of short options in one word, <c>-qv</c>, and the value that follows it there.</summary>
    private static (Option? Option, string? Value) LastOfBundle(Option[] known, string word)
    {
        for (int place = 1; place < word.Length; place++)
        {
            Option? option = Named(known, $"-{word[place]}");
            if (option is null || option.Arity.MinimumNumberOfValues > 0 || place == word.Length - 1)
            {
                return (option, place < word.Length - 1 ? word[(place + 1)..].TrimStart('=', ':') : null);
            }
        }

        return (null, null);
    }

    private string Unknown(Command command, Option[] known, string name)
    {
        if (command is RootCommand && root.Subcommands.Any(one => Named([.. one.Options], name) is not null))
        {
            return $"The option '{name}' must follow its command.";
        }

        return $"{(command is RootCommand ? "kvmbackup" : command.Name)} has no option '{name}'."
            + Guess(name, known.SelectMany(Names))
            + $" Write {EndOfOptions} before a name that begins with a dash.";
    }

    private static string Guess(string word, IEnumerable<string> known) =>
        NearestName.Find(word, known.Where(one => one.Length > 2)) is { } nearest
            ? $" Did you mean '{nearest}'?" : string.Empty;

    private IEnumerable<Option> Known(Command command) =>
        command.Options.Concat(command is RootCommand ? [] : root.Options.Where(option => option.Recursive));

    private static Option? Named(Option[] known, string name) =>
        known.FirstOrDefault(option => Names(option).Contains(name));

    private static IEnumerable<string> Names(Option option) => option.Aliases.Prepend(option.Name);
}
