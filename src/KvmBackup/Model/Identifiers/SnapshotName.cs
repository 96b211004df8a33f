using System.Globalization;

namespace KvmBackup.Model.Identifiers;

/// <summary>The names of the snapshots that this program makes in a Ceph cluster.</summary>
public static class SnapshotName
{
    private const string Prefix = "kvmbackup";

    /// <summary>Prefix, domain, disk, instant and a random part: nobody else makes such a name.</summary>
    public static string Create(Guid domain, DiskTarget target, BackupId id, uint random) =>
        string.Create(CultureInfo.InvariantCulture, $"{Prefix}.{domain}.{target}.{id}.{random:x8}");

    /// <summary>Whether a snapshot bears the name of one of ours of that disk.</summary>
    public static bool IsOf(string name, Guid domain, DiskTarget target) =>
        name.Split('.') is [Prefix, var uuid, var disk, var id, { Length: 8 } random]
        && uuid == domain.ToString() && disk == target.Value && BackupId.TryParse(id, out _)
        && random.All(char.IsAsciiHexDigitLower);
}
