using System.Globalization;

namespace KvmBackup.Model.Identifiers;

/// <summary>The names of this program's snapshots in a Ceph cluster.</summary>
public static class SnapshotName
{
    private const string Prefix = "kvmbackup";

    /// <summary>A unique name: prefix, domain, disk, instant and a random part.</summary>
    public static string Create(Guid domain, DiskTarget target, BackupId id, uint random) =>
        string.Create(CultureInfo.InvariantCulture, $"{Prefix}.{domain}.{target}.{id}.{random:x8}");

    /// <summary>Whether the name is one of this program for the given disk.</summary>
    public static bool IsOf(string name, Guid domain, DiskTarget target) =>
        name.Split('.') is [Prefix, var uuid, var disk, var id, { Length: 8 } random]
        && uuid == domain.ToString() && disk == target.Value && BackupId.TryParse(id, out _)
        && random.All(char.IsAsciiHexDigitLower);
}
