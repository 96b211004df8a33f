using System.Text.RegularExpressions;

namespace KvmBackup.Lab.Support;

/// <summary>Runs the commands of a message, each of which is between backticks, as printed.</summary>
public sealed partial class TypedAdvice
{
    private readonly string _searchPath;

    /// <summary>The editor for <c>virsh edit</c>.</summary>
    public string Editor { get; init; } = "false";

    /// <summary>The current directory of the commands.</summary>
    public string CurrentDirectory { get; init; } = "/";

    public TypedAdvice(BackupSite site)
    {
        // The program under its own name, with the configuration of the test instead of the default one.
        string folder = LabEnvironment.NewDirectory("typed");
        string program = Path.Combine(folder, "kvmbackup");
        File.WriteAllText(
            program, $"#!/bin/sh\nexec '{Kvmbackup.ProgramPath}' --config '{site.ConfigurationPath}' \"$@\"\n");
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        _searchPath = $"{folder}:{Environment.GetEnvironmentVariable("PATH")}";
    }

    /// <summary>The commands of a message with a prefix, each once, in order.</summary>
    public static IReadOnlyList<string> CommandsIn(string message, string beginning = "") =>
        [.. Command().Matches(message).Select(match => match.Groups[1].Value)
            .Where(command => command.StartsWith(beginning, StringComparison.Ordinal)).Distinct()];

    /// <summary>Runs the commands of a message with a prefix; there must be one, and each must succeed.</summary>
    /// <returns>The outcome of each.</returns>
    public async Task<IReadOnlyList<Outcome>> TypeAsync(string message, string beginning = "")
    {
        IReadOnlyList<string> commands = CommandsIn(message, beginning);
        Assert.True(commands.Count > 0, $"No command '{beginning}' is advised: {message}");
        List<Outcome> outcomes = [];
        foreach (string command in commands)
        {
            Outcome outcome = await RunningProgram.RunAsync(
                "env", "-C", CurrentDirectory, $"PATH={_searchPath}", $"EDITOR={Editor}", "sh", "-c", command);
            outcomes.Add(outcome.MustSucceed());
        }

        return outcomes;
    }

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Command();
}
