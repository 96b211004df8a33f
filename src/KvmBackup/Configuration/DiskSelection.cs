namespace KvmBackup.Configuration;

/// <summary>The disks of a domain to back up: all but the excluded ones.</summary>
public sealed record DiskSelection(IReadOnlyList<DiskTarget> Excluded)
{
    public static readonly DiskSelection All = new([]);

    /// <summary>Only these disks, regardless of exclusions, for a single run; null for the configuration's
    /// choice.</summary>
    public IReadOnlyList<DiskTarget>? Only { get; init; }

    public bool Includes(DiskTarget target) => Only?.Contains(target) ?? !Excluded.Contains(target);
}
