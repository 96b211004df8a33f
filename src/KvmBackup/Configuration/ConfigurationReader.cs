namespace KvmBackup.Configuration;

/// <summary>
/// Reads config.yml into checked settings of one host. No other module reads YAML. All errors in the host's own
/// section and
/// in the defaults are reported together; the sections of other hosts are not checked.
/// </summary>
public static class ConfigurationReader
{
    private const string DefaultsKey = "defaults";
    private const long MaximumFileBytes = 4 << 20;

    /// <param name="filePath">The configuration file.</param>
    /// <param name="shortHostName">The output of <c>hostname -s</c>; a domain part is removed.</param>
    /// <exception cref="ConfigurationException">The file cannot be read or has errors.</exception>
    public static HostSettings Read(string filePath, string shortHostName)
    {
        try
        {
            if (Directory.Exists(filePath))
            {
                string guess = Path.Combine(filePath, "config.yml");
                throw Fail(filePath, "is a directory", $"name the file in it, as --config {guess}");
            }

            FileInfo file = new(filePath);
            if (file.Exists && file.Length > MaximumFileBytes)
            {
                throw Fail(filePath, $"larger than {MaximumFileBytes >> 20} MiB", "this is not a configuration file");
            }

            return Parse(File.ReadAllText(filePath), filePath, shortHostName);
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            ConfigurationError missing = new(
                filePath, 0, string.Empty, "there is no such file",
                "copy config.yml.sample there and edit it, or name another with --config FILE");
            throw new ConfigurationException([missing], failure) { IsMissing = true };
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            string problem = $"cannot be read: {failure.Message.TrimEnd('.')}";
            throw Fail(filePath, problem, "name another with --config FILE", failure);
        }
    }

    /// <summary>Reads settings from a text; the path is used in messages only.</summary>
    /// <exception cref="ConfigurationException">The text has errors.</exception>
    public static HostSettings Parse(string text, string filePath, string shortHostName)
    {
        ConfigurationErrors errors = new(filePath);
        string hostName = shortHostName.Split('.')[0];
        ConfigurationNode root = YamlComposer.Compose(text, filePath)
            ?? throw Fail(filePath, "the file is empty", $"start with '{hostName}:', see config.yml.sample");
        IReadOnlyList<Setting> sections = ReadSections(root, hostName, errors);
        Setting host = sections.FirstOrDefault(section => section.Name == hostName && section.Name != DefaultsKey)
            ?? throw HostMissing(filePath, hostName, sections);
        ReportMisspelledDefaults(sections, hostName);
        HostSettings settings = HostReader.Read(host, sections.FirstOrDefault(section => section.Name == DefaultsKey));
        errors.ThrowIfAny();
        return settings;
    }

    private static IReadOnlyList<Setting> ReadSections(
        ConfigurationNode root, string hostName, ConfigurationErrors errors)
    {
        // A repeated section of another host is reported on that host.
        string[] ownNames = [DefaultsKey, hostName];
        ConfigurationNode own = root is MapNode map
            ? map with { Repeated = [.. map.Repeated.Where(entry => ownNames.Contains(entry.Key.Text))] }
            : root;
        Setting file = new(string.Empty, root.Line, own, errors) { Name = string.Empty };
        IReadOnlyList<Setting> sections = file.Children("a section for each host");
        if (root is not MapNode)
        {
            errors.ThrowIfAny();
        }

        return sections;
    }

    // A section 'default:' would be taken for another host, and its settings would be ignored silently.
    private static void ReportMisspelledDefaults(IReadOnlyList<Setting> sections, string hostName)
    {
        foreach (Setting section in sections.Where(section => section.Name != DefaultsKey && section.Name != hostName))
        {
            bool isHost = section.Node is MapNode map
                && map.Entries.Any(entry => HostReader.SelectionKeys.Contains(entry.Key.Text));
            if (!isHost && NearestName.Find(section.Name, [DefaultsKey]) is not null)
            {
                section.ReportAtKey("neither the defaults nor a host", $"did you mean '{DefaultsKey}'?");
            }
        }
    }

    private static ConfigurationException HostMissing(
        string filePath, string hostName, IReadOnlyList<Setting> sections)
    {
        string[] names = [.. sections.Select(section => section.Name).Where(name => name != DefaultsKey)];
        string existing = names.Length == 0 ? "the file has no hosts" : $"the file has the hosts {Words.List(names)}";
        string guess = NearestName.Find(hostName, names) is { } nearest ? $", did you mean '{nearest}'?" : string.Empty;
        return Fail(
            filePath,
            $"no section for this host, '{hostName}' (the short host name, as hostname -s prints it)",
            $"add '{hostName}:' at the left margin; {existing}{guess}");
    }

    private static ConfigurationException Fail(
        string filePath, string problem, string hint, Exception? innerException = null) =>
        new([new ConfigurationError(filePath, 0, string.Empty, problem, hint)], innerException);
}
