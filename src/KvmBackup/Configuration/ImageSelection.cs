namespace KvmBackup.Configuration;

/// <summary>RBD images that are backed up without a guest, one by one.</summary>
/// <param name="Name">Name of the selection.</param>
/// <param name="Pools">Pools of the images; at least one.</param>
/// <param name="Namespace">Namespace in each pool; null for the default one.</param>
/// <param name="Included">Names of the images; at least one pattern.</param>
/// <param name="Excluded">Exceptions from the included names.</param>
/// <param name="External">Snapshots made by another program; null for our own.</param>
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
        Pools.Contains(image.Pool) && image.Namespace == Namespace
        && Included.Any(pattern => pattern.Matches(image.Name))
        && !Excluded.Any(pattern => pattern.Matches(image.Name));
}
