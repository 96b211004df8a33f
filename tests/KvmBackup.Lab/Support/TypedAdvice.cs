using System.Text.RegularExpressions;

namespace KvmBackup.Lab.Support;

/// <summary>What a message tells a person to type, typed as it stands: every command stands between backticks.</summary>
public sealed partial class TypedAdvice
{
    private readonly string _searchPath;

    /// <summary>What <c>virsh edit</c> starts in the place of an editor.</summary>
    public string Editor { get; init; } = "false";

    public TypedAdvice(BackupSite site)
    {
        // The program under its own name, with the configuration of the test in the place of the usual one.
        string folder = LabEnvironment.NewDirectory("typed");
        string program = Path.Combine(folder, "kvmbackup");
        File.WriteAllText(program, $"#!/bin/sh\nexec '{Kvmbackup.ProgramPath}' --config '{site.ConfigurationPath}' \"$@\"\n");
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        _searchPath = $"{folder}:{Environment.GetEnvironmentVariable("PATH")}";
    }

    /// <summary>The commands of a message that begin so, each once, in their order.</summary>
    public static IReadOnlyList<string> CommandsIn(string message, string beginning = "") =>
        [.. Command().Matches(message).Select(match => match.Groups[1].Value)
            .Where(command => command.StartsWith(beginning, StringComparison.Ordinal)).Distinct()];

    /// <summary>Types the commands of a message that begin so; there must be one, and each must succeed.</summary>
    /// <returns>What came of each.</returns>
    public async Task<IReadOnlyList<Outcome>> TypeAsync(string message, string beginning = "")
    {
        IReadOnlyList<string> commands = CommandsIn(message, beginning);
        Assert.True(commands.Count > 0, $"No command '{beginning}' is advised: {message}");
        List<Outcome> outcomes = [];
        foreach (string command in commands)
        {
            outcomes.Add((await RunningProgram.RunAsync("env", $"PATH={_searchPath}", $"EDITOR={Editor}", "sh", "-c", command)).MustSucceed());
        }

        return outcomes;
    }

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Command();
}
