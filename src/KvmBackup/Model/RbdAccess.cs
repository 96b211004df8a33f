namespace KvmBackup.Model;

/// <summary>How a Ceph cluster is reached.</summary>
/// <param name="Monitors">Addresses with ports; empty leaves them to the configuration file.</param>
/// <param name="User">Without <c>client.</c>; null is the configuration's own, admin as a rule.</param>
/// <param name="KeyFilePath">A file that holds the user's key and nothing else.</param>
/// <param name="ConfigurationPath">A <c>ceph.conf</c>; null is none when there are monitors, and Ceph's default otherwise.</param>
/// <param name="KeyringPath">A keyring; null is the default.</param>
public sealed record RbdAccess(
    IReadOnlyList<string> Monitors, string? User, string? KeyFilePath, string? ConfigurationPath, string? KeyringPath);
