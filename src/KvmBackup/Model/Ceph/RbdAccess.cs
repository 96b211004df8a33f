namespace KvmBackup.Model.Ceph;

/// <summary>How a Ceph cluster is reached: by its configuration file, or by its monitors alone.</summary>
/// <param name="Monitors">Addresses, each perhaps with a port. Without a configuration file they replace it.</param>
/// <param name="User">Without <c>client.</c> before it; null for Ceph's default, <c>admin</c>.</param>
/// <param name="KeyFilePath">A file that holds the key and nothing else.</param>
/// <param name="ConfigurationPath">Null for Ceph's default, unless there are monitors.</param>
/// <param name="KeyringPath">A keyring with the user's key; null for what the configuration says.</param>
public sealed record RbdAccess(
    IReadOnlyList<string> Monitors, string? User, string? KeyFilePath, string? ConfigurationPath, string? KeyringPath)
{
    /// <summary>The configuration and keyring that Ceph's own programs find on this host.</summary>
    public static RbdAccess Default { get; } = new([], null, null, null, null);

    /// <summary>How long the cluster may leave one request without an answer.</summary>
    public TimeSpan TargetTimeout { get; init; } = TimeSpan.FromMinutes(2);

    public IReadOnlyList<string> Monitors { get; } = Monitors.All(IsHarmless)
        ? Monitors
        : throw new ModelException($"'{string.Join("', '", Monitors)}': a Ceph monitor is an address, perhaps with a port.");

    public string? User { get; } = User is null || IsHarmless(User)
        ? User
        : throw new ModelException($"'{User}' cannot be the name of a Ceph user.");

    // The words stand among a program's arguments, and the monitors in a list that commas separate.
    private static bool IsHarmless(string word) =>
        word.Length > 0 && word[0] != '-' && !word.Any(one => one == ',' || char.IsWhiteSpace(one) || char.IsControl(one));
}
