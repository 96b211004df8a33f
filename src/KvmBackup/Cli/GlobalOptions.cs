namespace KvmBackup.Cli;

/// <summary>What holds for every command.</summary>
/// <param name="ConfigurationPath">The configuration file.</param>
/// <param name="BackupDirectory">Backups are looked for here and no configuration is read; null for the configuration's.</param>
/// <param name="ConnectUri">Which libvirt; null for virsh's own choice.</param>
/// <param name="IsVerbose">Tell every command that is run.</param>
/// <param name="IsQuiet">Tell only what someone should look at.</param>
/// <param name="IsJson">Reports are JSON.</param>
/// <param name="Wait">How long to wait for another run.</param>
public sealed record GlobalOptions(
    string ConfigurationPath,
    string? BackupDirectory,
    string? ConnectUri,
    bool IsVerbose,
    bool IsQuiet,
    bool IsJson,
    TimeSpan Wait);
