using KvmBackup.Model;

namespace KvmBackup.Configuration;

/// <summary>Which disks of a domain the operator wants: all but the excluded ones.</summary>
public sealed record DiskSelection(IReadOnlyList<DiskTarget> Excluded)
{
    public static readonly DiskSelection All = new([]);

    public bool Includes(DiskTarget target) => !Excluded.Contains(target);
}
