namespace KvmBackup.Configuration;

/// <summary>Reads the source of the snapshots of a selection of images.</summary>
internal static class ExternalReader
{
    private const string Codes = "codes are %Y, %m, %d, %H, %M, %S, and %% for a percent sign";

    /// <returns>Null for our own snapshots.</returns>
    public static ExternalSnapshots? Read(Setting setting)
    {
        if (setting.Node is not MapNode)
        {
            if (setting.Text("'own', or {external: \"auto-%Y%m%d\"}") is { } text && text != "own")
            {
                setting.Report($"unknown snapshot '{text}'", "give 'own', or {external: \"auto-%Y%m%d\"}");
            }

            return null;
        }

        Section section = Section.Open(setting, "external", "ready", "ready_file", "today");
        if (section.Find("external") is not { } external || ReadPattern(external, isFile: false) is not { } names)
        {
            if (section.Find("external") is null)
            {
                setting.Report("does not name the snapshots", "give their names: {external: \"auto-%Y%m%d\"}");
            }

            return null;
        }

        bool isOnlyToday = section.Find("today")?.Flag() ?? false;
        if (isOnlyToday && !names.Codes.IsSupersetOf("Ymd"))
        {
            external.Report($"'{names}' does not contain the day", "today: true requires %Y, %m and %d in it");
        }

        return new ExternalSnapshots(
            names, ReadReady(section.Find("ready"), names, isFile: false),
            ReadReady(section.Find("ready_file"), names, isFile: true), isOnlyToday);
    }

    private static DatePattern? ReadReady(Setting? setting, DatePattern names, bool isFile)
    {
        if (setting is null || ReadPattern(setting, isFile) is not { } ready)
        {
            return null;
        }

        if (!names.Codes.IsSupersetOf(ready.Codes))
        {
            setting.Report(
                $"'{ready}' has a code that is not in the snapshots' names", $"use only the codes of '{names}'");
        }

        return ready;
    }

    private static DatePattern? ReadPattern(Setting setting, bool isFile)
    {
        string? text = setting.Text(isFile ? "an absolute path" : "a name such as auto-%Y%m%d");
        if (text is null)
        {
            return null;
        }

        string? problem = DatePattern.FindProblem(text)
            ?? (isFile && !text.StartsWith('/') ? $"'{text}' is not an absolute path" : null)
            ?? (!isFile && (text.Length == 0 || text[0] == '-'
                || text.Any(character => character is '/' or '@' || char.IsControl(character)))
                ? $"'{text}' cannot be the name of a snapshot" : null);
        if (problem is not null)
        {
            setting.Report(problem, Codes);
            return null;
        }

        return new DatePattern(text);
    }
}
