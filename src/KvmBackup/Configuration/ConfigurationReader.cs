namespace KvmBackup.Configuration;

/// <summary>
/// Turns config.yml into checked settings of one host; nobody else sees YAML. All mistakes in the host's own section
/// and in the defaults are told at once; the sections of other hosts are not looked at.
/// </summary>
public static class ConfigurationReader
{
    private const string DefaultsKey = "defaults";
    private const long LargestFileBytes = 4 << 20;

    /// <param name="filePath">The configuration file.</param>
    /// <param name="shortHostName">What <c>hostname -s</c> says; it is cut at the first dot all the same.</param>
    /// <exception cref="ConfigurationException">It cannot be read, or something in it is wrong.</exception>
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
            if (file.Exists && file.Length > LargestFileBytes)
            {
                throw Fail(filePath, $"larger than {LargestFileBytes >> 20} MiB", "this is not a configuration file");
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

    /// <summary>The same for a text that was read already; the path is for messages only.</summary>
    /// <exception cref="ConfigurationException">Something in it is wrong.</exception>
    public static HostSettings Parse(string text, string filePath, string shortHostName)
    {
        ConfigurationErrors mistakes = new(filePath);
        string hostName = shortHostName.Split('.')[0];
        ConfigurationNode root = YamlComposer.Compose(text, filePath)
            ?? throw Fail(filePath, "the file is empty", $"start with '{hostName}:', see config.yml.sample");
        IReadOnlyList<Setting> sections = ReadSections(root, hostName, mistakes);
        Setting host = sections.FirstOrDefault(section => section.Name == hostName && section.Name != DefaultsKey)
            ?? throw HostMissing(filePath, hostName, sections);
        ReportMisspeltDefaults(sections, hostName);
        HostSettings settings = HostReader.Read(host, sections.FirstOrDefault(section => section.Name == DefaultsKey));
        mistakes.ThrowIfAny();
        return settings;
    }

    private static IReadOnlyList<Setting> ReadSections(ConfigurationNode root, string hostName, ConfigurationErrors mistakes)
    {
        // What is repeated for another host is for that host to complain about.
        string[] ownNames = [DefaultsKey, hostName];
        ConfigurationNode own = root is MapNode map
            ? map with { Repeated = [.. map.Repeated.Where(entry => ownNames.Contains(entry.Key.Text))] }
            : root;
        Setting file = new(string.Empty, root.Line, own, mistakes) { Name = string.Empty };
        IReadOnlyList<Setting> sections = file.Children("a section for each host");
        if (root is not MapNode)
        {
            mistakes.ThrowIfAny();
        }

        return sections;
    }

    // A section 'default:' would pass for another host, and all it says would be lost without a word.
    private static void ReportMisspeltDefaults(IReadOnlyList<Setting> sections, string hostName)
    {
        foreach (Setting section in sections.Where(section => section.Name != DefaultsKey && section.Name != hostName))
        {
            bool isHost = section.Node is MapNode map && map.Entries.Any(entry => entry.Key.Text is "domains" or ImageReader.Key);
            if (!isHost && NearestName.Find(section.Name, [DefaultsKey]) is not null)
            {
                section.ReportAtKey("neither the defaults nor a host", $"did you mean '{DefaultsKey}'?");
            }
        }
    }

    private static ConfigurationException HostMissing(string filePath, string hostName, IReadOnlyList<Setting> sections)
    {
        string[] names = [.. sections.Select(section => section.Name).Where(name => name != DefaultsKey)];
        string there = names.Length == 0 ? "there is none at all" : $"there are {Words.List(names)}";
        string guess = NearestName.Find(hostName, names) is { } nearest ? $", did you mean '{nearest}'?" : string.Empty;
        return Fail(
            filePath,
            $"no section for this host, '{hostName}' (the short host name, as hostname -s prints it)",
            $"add '{hostName}:' at the left margin; of hosts {there}{guess}");
    }

    private static ConfigurationException Fail(
        string filePath, string problem, string hint, Exception? innerException = null) =>
        new([new ConfigurationError(filePath, 0, string.Empty, problem, hint)], innerException);
}
