namespace KvmBackup.Lab.Support;

/// <summary>The host of the lab as the program under test sees it: a config.yml and an empty target.</summary>
public sealed class LabHost
{
    private readonly List<string> _domains = [];

    /// <param name="defaults">The configuration's <c>defaults</c>: <c>compression: zstd, quiesce: require</c>.</param>
    public LabHost(string defaults = "")
    {
        BackupDirectory = LabEnvironment.NewDirectory("backups");
        ConfigurationPath = Path.Combine(LabEnvironment.NewDirectory("etc"), "config.yml");
        Defaults = defaults;
    }

    public string Defaults { get; }

    public string BackupDirectory { get; }

    public string ConfigurationPath { get; }

    /// <summary>Puts a guest into the configuration, due every day.</summary>
    /// <param name="name">The domain's name.</param>
    /// <param name="settings">More of its keys: <c>quiesce: require, rotate: 2</c>.</param>
    public LabHost With(string name, string settings = "rotate: 4")
    {
        _domains.Add($"    \"{name}\": {{day_of_week: [Mon, Tue, Wed, Thu, Fri, Sat, Sun], {settings}}}");
        File.WriteAllLines(
            ConfigurationPath,
            [$"defaults: {{{Defaults}}}", "lab1:", $"  backupdir: {BackupDirectory}", "  domains:", .. _domains]);
        return this;
    }

    /// <summary>Runs the program with this configuration to its end.</summary>
    public Task<Outcome> RunAsync(params IEnumerable<string> arguments) =>
        Kvmbackup.RunAsync(["--config", ConfigurationPath, .. arguments]);

    /// <summary>Starts the program with this configuration, to be signalled or watched while it works.</summary>
    public RunningProgram Start(params IEnumerable<string> arguments) =>
        Kvmbackup.Start(["--config", ConfigurationPath, .. arguments]);

    /// <summary>The published backups of a domain, the oldest first; a <c>.partial</c> is none.</summary>
    public IReadOnlyList<string> BackupsOf(string name)
    {
        string directory = Path.Combine(BackupDirectory, name);
        IEnumerable<string> found = Directory.Exists(directory) ? Directory.GetDirectories(directory, "*Z-*") : [];
        return [.. found
            .Where(path => !path.EndsWith(".partial", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)];
    }
}
