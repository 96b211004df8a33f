namespace KvmBackup.Model;

/// <summary>The three flavours of a domain's XML, security information included.</summary>
/// <param name="Inactive">What the next start uses: the one to define from.</param>
/// <param name="Live">What runs now; the same as <paramref name="Inactive"/> for a domain that is shut off.</param>
/// <param name="Migratable">What another host would take.</param>
public sealed record DomainDefinition(string Inactive, string Live, string Migratable);
