using System.Text.RegularExpressions;

namespace KvmBackup.Model.Identifiers;

/// <summary>
/// The names of overlay files: those of this program, which identify a leftover, and those of the predecessor.
/// </summary>
public static partial class OverlayName
{
    /// <summary>A unique name: domain, disk, instant and a random part of 32 bits.</summary>
    public static string Create(Guid domainUuid, DiskTarget target, BackupId id, uint random) =>
        $"kvmbackup.{domainUuid}.{target}.{id}.{random:x8}.qcow2";

    /// <summary>Whether the file is named like an overlay of this program.</summary>
    public static bool IsOurs(string filePath) => Ours().IsMatch(Path.GetFileName(filePath));

    /// <summary>Whether the file is named like an overlay of kvmBackup, the predecessor.</summary>
    public static bool IsPredecessors(string filePath) => Predecessors().IsMatch(Path.GetFileName(filePath));

    [GeneratedRegex(@"^kvmbackup\.[0-9a-f-]{36}\.[A-Za-z0-9_-]+\.[0-9]{8}T[0-9]{6}Z\.[0-9a-f]{8}\.qcow2$")]
    private static partial Regex Ours();

    [GeneratedRegex(@"^snapshot_.+-[0-9a-f]{8}\.img$")]
    private static partial Regex Predecessors();
}
