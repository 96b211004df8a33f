using KvmBackup.Model;

namespace KvmBackup.Planning;

/// <summary>What one backup of a chain gives to an image.</summary>
/// <param name="Backup">The backup.</param>
/// <param name="Visible">The runs of its data that no later backup of the chain has changed.</param>
public sealed record AssemblyLink(CompletedBackup Backup, IReadOnlyList<Extent> Visible)
{
    /// <summary>The same for a run of the image only.</summary>
    public AssemblyLink Within(Extent run) => this with
    {
        Visible =
        [
            .. Visible.Where(extent => extent.EndBytes > run.OffsetBytes && extent.OffsetBytes < run.EndBytes).Select(extent =>
            {
                long start = Math.Max(extent.OffsetBytes, run.OffsetBytes);
                return new Extent(start, Math.Min(extent.EndBytes, run.EndBytes) - start);
            }),
        ],
    };
}
