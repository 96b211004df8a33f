namespace KvmBackup.Model.Ceph;

/// <summary>Access to a Ceph cluster: by its configuration file, or by its monitors alone.</summary>
/// <param name="Monitors">Addresses with optional ports. They replace a missing configuration file.</param>
/// <param name="User">User without the prefix <c>client.</c>; null for Ceph's default, <c>admin</c>.</param>
/// <param name="KeyFilePath">A file that holds the key and nothing else.</param>
/// <param name="ConfigurationPath">Null for Ceph's default, unless there are monitors.</param>
/// <param name="KeyringPath">A keyring with the user's key; null for the keyring of the configuration.</param>
public sealed record RbdAccess(
    IReadOnlyList<string> Monitors, string? User, string? KeyFilePath, string? ConfigurationPath, string? KeyringPath)
{
    /// <summary>The configuration and keyring that Ceph's own programs use on this host.</summary>
    public static RbdAccess Default { get; } = new([], null, null, null, null);

    /// <summary>The longest wait for the cluster's answer to one request.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromMinutes(2);

    public IReadOnlyList<string> Monitors { get; } = Monitors.All(IsSafeArgument)
        ? Monitors
        : throw new ModelException(
            $"'{string.Join("', '", Monitors)}': a Ceph monitor must be an address with an optional port.");

    public string? User { get; } = User is null || IsSafeArgument(User)
        ? User
        : throw new ModelException($"'{User}' cannot be the name of a Ceph user.");

    // The values become program arguments; the monitors form a comma-separated list.
    private static bool IsSafeArgument(string value) =>
        value.Length > 0 && value[0] != '-'
        && !value.Any(character => character == ',' || char.IsWhiteSpace(character) || char.IsControl(character));
}
