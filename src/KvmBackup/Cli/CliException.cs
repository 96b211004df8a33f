namespace KvmBackup.Cli;

/// <summary>Words on the command line that make no sense together.</summary>
public sealed class CliException(string message) : KvmBackupException(message, ExitCode.Usage);
