namespace KvmBackup.Configuration;

/// <summary>A configuration that cannot be used; the message has one line for each error.</summary>
public sealed class ConfigurationException(
    IReadOnlyList<ConfigurationError> errors, Exception? innerException = null)
    : KvmBackupException(string.Join('\n', errors), ExitCode.Usage, innerException)
{
    /// <summary>The file does not exist.</summary>
    public bool IsMissing { get; init; }

    /// <summary>In the order of the file; at least one.</summary>
    public IReadOnlyList<ConfigurationError> Errors { get; } = errors;
}
