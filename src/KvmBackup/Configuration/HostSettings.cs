namespace KvmBackup.Configuration;

/// <summary>What config.yml says for one host, checked and with all defaults filled in.</summary>
/// <param name="HostName">The short host name, which is the name of the section.</param>
/// <param name="BackupDirectory">Absolute path of the target.</param>
/// <param name="StateDirectory">Absolute path of what this host remembers between runs.</param>
/// <param name="Domains">In the order of the file; at least one.</param>
public sealed record HostSettings(
    string HostName, string BackupDirectory, string StateDirectory, IReadOnlyList<DomainSettings> Domains)
{
    public const string DefaultStateDirectory = "/var/lib/kvmbackup";

    /// <summary>This host as <c>hostname -s</c> names it, which chooses the section.</summary>
    public static string ShortHostName => Environment.MachineName.Split('.')[0];
}
