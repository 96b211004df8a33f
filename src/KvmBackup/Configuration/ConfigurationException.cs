namespace KvmBackup.Configuration;

/// <summary>A configuration that cannot be used; the message has one line for each mistake.</summary>
public sealed class ConfigurationException(
    IReadOnlyList<ConfigurationError> mistakes, Exception? innerException = null)
    : KvmBackupException(string.Join('\n', mistakes), ExitCode.Usage, innerException)
{
    /// <summary>There is no such file.</summary>
    public bool IsMissing { get; init; }

    /// <summary>In the order of the file; at least one.</summary>
    public IReadOnlyList<ConfigurationError> Mistakes { get; } = mistakes;
}
