namespace KvmBackup.Configuration;

/// <summary>Access to a Ceph cluster; null is taken from the domain's XML or from Ceph's defaults.</summary>
/// <param name="ConfigurationPath">A <c>ceph.conf</c>.</param>
/// <param name="User">User without the prefix <c>client.</c>.</param>
/// <param name="KeyringPath">The user's keyring.</param>
public sealed record CephSettings(string? ConfigurationPath, string? User, string? KeyringPath)
{
    public static readonly CephSettings None = new(null, null, null);

    /// <summary>These settings, with unset values from a more general level.</summary>
    internal CephSettings Over(CephSettings? general) => new(
        ConfigurationPath ?? general?.ConfigurationPath, User ?? general?.User, KeyringPath ?? general?.KeyringPath);
}
