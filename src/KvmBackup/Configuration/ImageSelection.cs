namespace KvmBackup.Configuration;

/// <summary>RBD images that are backed up without a guest, each on its own.</summary>
/// <param name="Name">How an operator calls the selection.</param>
/// <param name="Pools">Where the images are; at least one.</param>
/// <param name="Namespace">Within each pool; null for the default one.</param>
/// <param name="Included">The images' names; at least one pattern.</param>
/// <param name="Excluded">The names that are left out all the same.</param>
/// <param name="External">Somebody else makes the snapshots that are read; null for our own.</param>
public sealed record ImageSelection(
    string Name,
    IReadOnlyList<string> Pools,
    string? Namespace,
    IReadOnlyList<NamePattern> Included,
    IReadOnlyList<NamePattern> Excluded,
    ExternalSnapshots? External,
    Schedule Schedule,
    RetentionPolicy Retention,
    Compression Compression,
    bool VerifyBeforePublish) : BackupSettings(Schedule, Retention, Compression, VerifyBeforePublish)
{
    public bool Covers(RbdImage image) =>
        Pools.Contains(image.Pool) && image.Namespace == Namespace && Included.Any(pattern => pattern.Matches(image.Name))
        && !Excluded.Any(pattern => pattern.Matches(image.Name));
}
