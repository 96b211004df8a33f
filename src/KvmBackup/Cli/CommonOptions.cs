using System.CommandLine;
using System.CommandLine.Parsing;

namespace KvmBackup.Cli;

/// <summary>The options that every command understands.</summary>
internal sealed class CommonOptions
{
    private const string DefaultConfigurationPath = "/etc/kvmbackup/config.yml";

    private static readonly string[] SnapshotsCommands = ["snapshots list", "snapshots trim", "snapshots reset"];

    private readonly Option<string> configuration = new("--config", "-c")
    {
        Description = "the configuration file",
        HelpName = "FILE",
        DefaultValueFactory = _ => DefaultConfigurationPath,
        Recursive = true,
    };

    private readonly Option<string?> backupDirectory = new("--backupdir")
    {
        Description = "list, show, verify, restore, assemble, cat, compare: look for backups here, without a configuration",
        HelpName = "DIR",
        Recursive = true,
    };

    private readonly Option<string?> connect = new("--connect")
    {
        Description = "libvirt's URI, as for virsh",
        HelpName = "URI",
        Recursive = true,
    };

    private readonly Option<int> wait = new("--wait")
    {
        Description = "how long to wait for another run to end",
        HelpName = "SECONDS",
        DefaultValueFactory = _ => 0,
        CustomParser = result => (int)NumberOption.Parse(result, "seconds", int.MaxValue),
        Recursive = true,
    };

    private readonly Option<bool> verbose = new("--verbose", "-v") { Description = "tell every command that is run", Recursive = true };
    private readonly Option<bool> quiet = new("--quiet", "-q") { Description = "tell only what someone should look at", Recursive = true };
    private readonly Option<bool> json = new("--json") { Description = "print the report as JSON", Recursive = true };

    public IReadOnlyList<Option> All => [configuration, backupDirectory, connect, wait, verbose, quiet, json];

    /// <summary>Whether JSON was asked for, even where the other words make no sense.</summary>
    public static bool IsJson(string[] arguments) => arguments.TakeWhile(word => word != "--").Contains("--json");

    /// <summary>A sentence for each option that was given and that this command does not use.</summary>
    public IEnumerable<string> FindUnused(ParseResult parsed)
    {
        string command = NameOf(parsed);
        (Option Option, string[] Commands)[] uses =
        [
            (backupDirectory, ["list", "show", "verify", "restore", "assemble", "cat", "compare"]),
            (connect, ["run", "backup", "restore", "compare", "recover", "check", .. SnapshotsCommands]),
            (wait, ["run", "backup", "compare", "prune", "recover", .. SnapshotsCommands.Skip(1)]),
        ];
        foreach ((Option option, string[] commands) in uses)
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

    /// <summary>Whether a command does more than to print: then its exit code is about that.</summary>
    public static bool ChangesAnything(ParseResult parsed) => NameOf(parsed)
        is "run" or "backup" or "restore" or "assemble" or "prune" or "recover"
        or "snapshots trim" or "snapshots reset";

    /// <summary>Whether it may look for backups without a configuration.</summary>
    public static bool CanDoWithoutConfiguration(ParseResult parsed) =>
        NameOf(parsed) is "list" or "show" or "verify" or "restore" or "assemble" or "cat";

    private static string NameOf(ParseResult parsed) =>
        parsed.CommandResult is { Parent: CommandResult { Command: not RootCommand and var parent } }
            ? $"{parent.Name} {parsed.CommandResult.Command.Name}" : parsed.CommandResult.Command.Name;

    public GlobalOptions Read(ParseResult parsed) => new(
        parsed.GetValue(configuration)!,
        parsed.GetValue(backupDirectory),
        parsed.GetValue(connect),
        parsed.GetValue(verbose),
        parsed.GetValue(quiet),
        parsed.GetValue(json),
        TimeSpan.FromSeconds(parsed.GetValue(wait)));
}
