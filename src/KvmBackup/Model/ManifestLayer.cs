namespace KvmBackup.Model;

/// <summary>One file of a disk's backing chain within a backup.</summary>
/// <param name="FileName">The member below the domain's folder: <c>vda.qcow2</c>, <c>vda.backing1.qcow2</c>.</param>
/// <param name="Format">qcow2, raw, or <see cref="RbdDiffFormat"/>.</param>
/// <param name="SourcePath">Where it was on the host.</param>
/// <param name="IsBlockDevice">It was a device rather than a file.</param>
/// <param name="Xxh128">The tree checksum of its content.</param>
/// <param name="SizeBytes">The size of the file.</param>
public sealed record ManifestLayer(
    string FileName, string Format, string SourcePath, bool IsBlockDevice, string Xxh128, long SizeBytes)
{
    /// <summary>The format of a member that holds the changes of an image, as <c>rbd import-diff</c> takes them.</summary>
    public const string RbdDiffFormat = "rbddiff";
}
