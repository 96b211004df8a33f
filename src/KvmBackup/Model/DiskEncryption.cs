namespace KvmBackup.Model;

/// <summary>How a disk is encrypted, as its <c>&lt;encryption&gt;</c> element names it. It never holds the secret's value.</summary>
/// <param name="Format"><c>luks</c>, or another that libvirt knows.</param>
/// <param name="SecretUuid">libvirt's secret with the passphrase; null when it is named by its usage, or not at all.</param>
/// <param name="SecretUsage">The volume that the secret is for; null when it is named by its UUID.</param>
public sealed record DiskEncryption(string Format, Guid? SecretUuid, string? SecretUsage)
{
    /// <summary>The one format whose overlays can be encrypted, too.</summary>
    public const string Luks = "luks";

    /// <summary>Which secret that is, for people.</summary>
    public string SecretText => SecretUuid is { } uuid ? $"libvirt's secret {uuid}"
        : $"libvirt's secret with the usage volume {SecretUsage ?? "(not named)"}";
}
