namespace KvmBackup.Cli;

/// <summary>A command line with invalid or contradictory arguments.</summary>
public sealed class CliException(string message) : KvmBackupException(message, ExitCode.Usage);
