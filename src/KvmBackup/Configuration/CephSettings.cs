namespace KvmBackup.Configuration;

/// <summary>How a Ceph cluster is reached; what is null is taken from the domain's XML, or is Ceph's own default.</summary>
/// <param name="ConfigurationPath">A <c>ceph.conf</c>.</param>
/// <param name="User">Without <c>client.</c>.</param>
/// <param name="KeyringPath">The user's keyring.</param>
public sealed record CephSettings(string? ConfigurationPath, string? User, string? KeyringPath)
{
    public static readonly CephSettings None = new(null, null, null);

    /// <summary>The nearer settings, with what they leave open from a farther level.</summary>
    internal CephSettings Over(CephSettings? farther) => new(
        ConfigurationPath ?? farther?.ConfigurationPath, User ?? farther?.User, KeyringPath ?? farther?.KeyringPath);
}
