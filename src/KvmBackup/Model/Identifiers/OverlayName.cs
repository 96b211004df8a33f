using System.Text.RegularExpressions;

namespace KvmBackup.Model.Identifiers;

/// <summary>
/// The names of overlay files: ours, so that a leftover is known again, and those of the tool that we take over from.
/// </summary>
public static partial class OverlayName
{
    /// <summary>A name that no other run makes: domain, disk, instant and a random part of 32 bits.</summary>
    public static string Create(Guid domainUuid, DiskTarget target, BackupId id, uint random) =>
        $"kvmbackup.{domainUuid}.{target}.{id}.{random:x8}.qcow2";

    /// <summary>The file is an overlay that this program made.</summary>
    public static bool IsOurs(string filePath) => Ours().IsMatch(Path.GetFileName(filePath));

    /// <summary>The file is named as kvmBackup, the predecessor, names its overlays.</summary>
    public static bool IsPredecessors(string filePath) => Predecessors().IsMatch(Path.GetFileName(filePath));

    [GeneratedRegex(@"^kvmbackup\.[0-9a-f-]{36}\.[A-Za-z0-9_-]+\.[0-9]{8}T[0-9]{6}Z\.[0-9a-f]{8}\.qcow2$")]
    private static partial Regex Ours();

    [GeneratedRegex(@"^snapshot_.+-[0-9a-f]{8}\.img$")]
    private static partial Regex Predecessors();
}
