namespace KvmBackup.Configuration;

/// <summary>Which disks of a domain the operator wants: all but the excluded ones.</summary>
public sealed record DiskSelection(IReadOnlyList<DiskTarget> Excluded)
{
    public static readonly DiskSelection All = new([]);

    /// <summary>These alone, whatever is excluded, for one run that asks for them; null is what the file says.</summary>
    public IReadOnlyList<DiskTarget>? Only { get; init; }

    public bool Includes(DiskTarget target) => Only?.Contains(target) ?? !Excluded.Contains(target);
}
