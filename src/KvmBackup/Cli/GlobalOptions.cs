namespace KvmBackup.Cli;

/// <summary>The options that all commands have in common.</summary>
/// <param name="ConfigurationPath">The configuration file.</param>
/// <param name="BackupDirectory">A backup directory; null for that of the configuration.</param>
/// <param name="ConnectUri">The URI of libvirt; null for the default of virsh.</param>
/// <param name="IsVerbose">Log each program that is started.</param>
/// <param name="IsQuiet">Print only what requires attention.</param>
/// <param name="IsJson">Print reports as JSON.</param>
/// <param name="Wait">How long to wait for another run.</param>
public sealed record GlobalOptions(
    string ConfigurationPath,
    string? BackupDirectory,
    string? ConnectUri,
    bool IsVerbose,
    bool IsQuiet,
    bool IsJson,
    TimeSpan Wait)
{
    /// <summary>The command as typed, <c>snapshots list</c>; null for none.</summary>
    public string? Command { get; init; }
}
