using System.Text.Json;

namespace KvmBackup.Lab.Support;

/// <summary>An installation: a configuration for this host, a target and a state directory.</summary>
public sealed class BackupSite
{
    private readonly string _directory = LabEnvironment.NewDirectory("site");

    /// <param name="domains">The domains' sections of the configuration, by name: YAML in one line, without
    /// braces.</param>
    public BackupSite(params IEnumerable<(string Name, string Keys)> domains)
    {
        Directory.CreateDirectory(BackupPath);
        Configure(domains);
    }

    public string ConfigurationPath => Path.Combine(_directory, "config.yml");

    public string BackupPath => Path.Combine(_directory, "backups");

    public string StatePath => Path.Combine(_directory, "state");

    /// <summary>The open entries of the program's journal.</summary>
    public IReadOnlyList<string> JournalEntries =>
        Directory.Exists(Path.Combine(StatePath, "journal")) ? Directory.GetFiles(Path.Combine(StatePath, "journal"))
            : [];

    /// <summary>Writes the configuration again.</summary>
    public void Configure(params IEnumerable<(string Name, string Keys)> domains) => Configure(("domains", domains));

    /// <summary>Writes the configuration again: selections of images, and domains if there are any.</summary>
    public void ConfigureImages(
        (string Name, string Keys) selection, params IReadOnlyList<(string Name, string Keys)> domains)
    {
        if (domains.Count == 0)
        {
            Configure(("images", [selection]));
        }
        else
        {
            Configure(("images", [selection]), ("domains", domains));
        }
    }

    /// <summary>Writes the configuration again, with these sections of the host.</summary>
    public void Configure(
        params IEnumerable<(string Section, IEnumerable<(string Name, string Keys)> Entries)> sections)
    {
        IEnumerable<string> lines = sections.SelectMany(
            section => new[] { $"  {section.Section}:" }.Concat(section.Entries.Select(
            entry => $"    \"{entry.Name}\": {{day_of_week: [Mon, Tue, Wed, Thu, Fri, Sat, Sun], {entry.Keys}}}")));
        File.WriteAllText(
            ConfigurationPath,
            $"{Environment.MachineName.Split('.')[0]}:\n  backupdir: {BackupPath}\n  statedir: {StatePath}\n  "
            + "require_mount: false\n"
            + string.Join('\n', lines) + "\n");
    }

    /// <summary>Runs the program with this configuration.</summary>
    public Task<Outcome> RunAsync(params IEnumerable<string> arguments) =>
        Kvmbackup.RunAsync(["--config", ConfigurationPath, .. arguments]);

    /// <summary>Starts the program with this configuration, to be signalled or observed while it runs.</summary>
    public RunningProgram Start(params IEnumerable<string> arguments) =>
        Kvmbackup.Start(["--config", ConfigurationPath, .. arguments]);

    /// <summary>Runs a command that must succeed, and returns its JSON report.</summary>
    public Task<JsonElement> ReportAsync(params IEnumerable<string> arguments) => ReportAsync(0, arguments);

    /// <summary>Runs a command that must end with an exit code, and returns its JSON report.</summary>
    public async Task<JsonElement> ReportAsync(int exitCode, params IEnumerable<string> arguments)
    {
        Outcome outcome = (await RunAsync(["--json", .. arguments])).MustEndWith(exitCode);
        using JsonDocument document = JsonDocument.Parse(outcome.Output);
        return document.RootElement.Clone();
    }

    /// <summary>Backs up one domain, which must succeed, and returns its entry of the report.</summary>
    public async Task<JsonElement> BackUpAsync(string domain) =>
        (await ReportAsync("backup", domain)).GetProperty("jobs").EnumerateArray()
            .Single(job => job.GetProperty("domain").GetString() == domain);

    /// <summary>The timestamps of a domain's published backups, oldest first.</summary>
    public IReadOnlyList<string> BackupIds(string domain) =>
        [.. BackupDirectories(domain).Select(path => Path.GetFileName(path).Split('-')[0])];

    /// <summary>The published backups of a domain, oldest first.</summary>
    public IReadOnlyList<string> BackupDirectories(string domain)
    {
        string folder = Path.Combine(BackupPath, domain);
        return !Directory.Exists(folder) ? []
            : [.. new[] { "*-full", "*-incr", "*-diff" }.SelectMany(kind => Directory.GetDirectories(folder, kind))
                .Order(StringComparer.Ordinal)];
    }

    /// <summary>The archive of the newest backup.</summary>
    public string NewestArchive(string domain) =>
        Directory.GetFiles(BackupDirectories(domain)[^1]).Single(file =>
            Path.GetFileName(file).StartsWith(domain + ".tar", StringComparison.Ordinal)
            && !file.EndsWith(".index", StringComparison.Ordinal));
}
