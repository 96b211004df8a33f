using System.CommandLine;

namespace KvmBackup.Cli;

/// <summary>The options that every command understands.</summary>
internal sealed class GlobalWords
{
    private const string DefaultConfigurationPath = "/etc/kvmbackup/config.yml";

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
        Recursive = true,
    };

    private readonly Option<bool> verbose = new("--verbose", "-v") { Description = "tell every command that is run", Recursive = true };
    private readonly Option<bool> quiet = new("--quiet", "-q") { Description = "tell only what someone should look at", Recursive = true };
    private readonly Option<bool> json = new("--json") { Description = "print the report as JSON", Recursive = true };

    public IReadOnlyList<Option> All => [configuration, backupDirectory, connect, wait, verbose, quiet, json];

    /// <summary>Whether JSON was asked for, even where the other words make no sense.</summary>
    public bool IsJson(ParseResult parsed) => parsed.GetResult(json)?.GetValueOrDefault<bool>() ?? false;

    public GlobalOptions Read(ParseResult parsed) => new(
        parsed.GetValue(configuration)!,
        parsed.GetValue(backupDirectory),
        parsed.GetValue(connect),
        parsed.GetValue(verbose),
        parsed.GetValue(quiet),
        parsed.GetValue(json),
        TimeSpan.FromSeconds(Math.Max(0, parsed.GetValue(wait))));
}
