namespace KvmBackup.Model;

/// <summary>A disk that is backed up, and all files that its content stands on.</summary>
/// <param name="Disk">The disk.</param>
/// <param name="Layers">Its backing chain, the guest's own layer first.</param>
public sealed record TakenDisk(DiskFacts Disk, IReadOnlyList<ImageLayer> Layers)
{
    /// <summary>The name of a layer below the domain's folder of the archive: <c>vda.qcow2</c>,
    /// <c>vda.backing1.qcow2</c>.</summary>
    public string MemberName(int depth) =>
        depth == 0 ? $"{Disk.Target}.{Layers[0].Format}" : $"{Disk.Target}.backing{depth}.{Layers[depth].Format}";
}
