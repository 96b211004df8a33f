namespace KvmBackup.Cli;

/// <summary>The help of one command, apart from what its arguments and options describe themselves.</summary>
/// <param name="Command">The command as typed, <c>snapshots list</c>; empty for the program.</param>
/// <param name="Synopsis">Each form of the command, without the name of the program.</param>
/// <param name="Text">What the command does.</param>
/// <param name="Groups">The options of the command by subject. Options in no group are listed first.</param>
/// <param name="Examples">Complete command lines.</param>
/// <param name="ExitCodes">The exit codes of the command.</param>
internal sealed record HelpPage(
    string Command, IReadOnlyList<string> Synopsis, string Text, IReadOnlyList<HelpGroup> Groups,
    IReadOnlyList<HelpExample> Examples, IReadOnlyList<HelpExitCode> ExitCodes);

/// <summary>Options or commands with one subject.</summary>
internal sealed record HelpGroup(string Title, params string[] Names);

/// <summary>A command line and what it does.</summary>
internal sealed record HelpExample(string Purpose, string CommandLine);

/// <summary>An exit code and its meaning for a command.</summary>
internal sealed record HelpExitCode(string Code, string Meaning);
