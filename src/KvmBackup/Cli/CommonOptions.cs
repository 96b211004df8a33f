using System.CommandLine;

namespace KvmBackup.Cli;

/// <summary>The options that commands have in common, and the commands that use each of them.</summary>
internal sealed class CommonOptions
{
    private const string DefaultConfigurationPath = "/etc/kvmbackup/config.yml";

    private static readonly string[] SnapshotsCommands = ["snapshots list", "snapshots trim", "snapshots reset"];

    private readonly Option<string> configuration = new("--config", "-c")
    {
        Description = $"the configuration file; default {DefaultConfigurationPath}",
        HelpName = "FILE",
        DefaultValueFactory = _ => DefaultConfigurationPath,
        Recursive = true,
    };

    private readonly Option<string?> backupDirectory = new("--backupdir")
    {
        Description = "the backup directory; without it that of the configuration",
        HelpName = "DIR",
        Recursive = true,
    };

    private readonly Option<string?> connect = new("--connect")
    {
        Description = "the connection URI of libvirt, as for virsh",
        HelpName = "URI",
        Recursive = true,
    };

    private readonly Option<int> wait = new("--wait")
    {
        Description = "how long to wait for another run; default 0",
        HelpName = "SECONDS",
        DefaultValueFactory = _ => 0,
        CustomParser = result => (int)NumberOption.Parse(result, "seconds", int.MaxValue),
        Recursive = true,
    };

    private readonly Option<bool> verbose = new("--verbose", "-v")
    {
        Description = "log each program that is started, with its exit status",
        Recursive = true,
    };

    private readonly Option<bool> quiet = new("--quiet", "-q")
    {
        Description = "print only what requires attention",
        Recursive = true,
    };

    private readonly Option<bool> json = new("--json")
    {
        Description = "print the report, or the failure, as one JSON document",
        Recursive = true,
    };

    public IReadOnlyList<Option> All => [configuration, backupDirectory, connect, wait, verbose, quiet, json];

    private (Option Option, string[] Commands)[] Uses =>
    [
        (backupDirectory, ["list", "show", "verify", "restore", "assemble", "cat", "compare"]),
        (connect, ["run", "backup", "restore", "compare", "recover", "check", .. SnapshotsCommands]),
        (wait, ["run", "backup", "compare", "prune", "recover", .. SnapshotsCommands.Skip(1)]),
    ];

    /// <summary>Whether JSON is requested, even on a command line with mistakes.</summary>
    public static bool IsJson(string[] arguments) => arguments.TakeWhile(word => word != "--").Contains("--json");

    /// <summary>One sentence for each option that is given and that the command does not use.</summary>
    public IEnumerable<string> FindUnused(ParseResult parsed)
    {
        string? command = NameOf(parsed.CommandResult.Command);
        foreach ((Option option, string[] commands) in command is null ? [] : Uses)
        {
            if (parsed.GetResult(option) is { Implicit: false } && !commands.Contains(command))
            {
                yield return $"{command} does not use {option.Name}, which is for {string.Join(", ", commands)}.";
            }
        }

        if (command == "cat" && parsed.GetValue(json))
        {
            yield return "cat does not use --json: it prints bytes.";
        }
    }

    /// <summary>The common options for the help of a command; those of the program for the program.</summary>
    public IReadOnlyList<Option> UsedBy(Command command)
    {
        string? name = NameOf(command);
        return name == "help" ? [] : command is RootCommand ? [.. All, .. command.Options.Except(All)]
            : [.. All.Where(option => IsUsed(option, name))];
    }

    /// <summary>Whether the purpose of a command is more than to print: then its exit code is about that.</summary>
    public static bool ChangesAnything(ParseResult parsed) => NameOf(parsed.CommandResult.Command)
        is "run" or "backup" or "restore" or "assemble" or "prune" or "recover"
        or "snapshots trim" or "snapshots reset";

    /// <summary>Whether a command can find backups without a configuration.</summary>
    public static bool CanDoWithoutConfiguration(ParseResult parsed) => NameOf(parsed.CommandResult.Command)
        is "list" or "show" or "verify" or "restore" or "assemble" or "cat";

    /// <summary>A command as typed, <c>snapshots list</c>; null for the program itself.</summary>
    public static string? NameOf(Command command) => command is RootCommand ? null
        : command.Parents.OfType<Command>().FirstOrDefault(parent => parent is not RootCommand) is { } parent
            ? $"{parent.Name} {command.Name}" : command.Name;

    public GlobalOptions Read(ParseResult parsed) => new(
        parsed.GetValue(configuration)!,
        parsed.GetValue(backupDirectory),
        parsed.GetValue(connect),
        parsed.GetValue(verbose),
        parsed.GetValue(quiet),
        parsed.GetValue(json),
        TimeSpan.FromSeconds(parsed.GetValue(wait)))
    {
        Command = NameOf(parsed.CommandResult.Command),
    };

    private bool IsUsed(Option option, string? command) =>
        (option != json || command != "cat")
        && Uses.All(use => use.Option != option || use.Commands.Contains(command));
}
