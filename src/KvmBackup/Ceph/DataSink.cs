using KvmBackup.Disks;

namespace KvmBackup.Ceph;

/// <summary>Lets through only what is not zeros, for an image that is new: an archive's holes are coarser than a cluster's can be.</summary>
/// <param name="image">Nothing but zeros until now.</param>
public sealed class DataSink(IExtentSink image) : IExtentSink
{
    // What a cluster allocates at once is at least 4 KiB; shorter runs cost more requests than they save.
    private const int BlockBytes = 64 * 1024;

    public async ValueTask WriteAsync(long offsetBytes, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        foreach (DataRun run in DataRun.Within(offsetBytes, data, BlockBytes).Where(run => run.IsData))
        {
            await image.WriteAsync(run.OffsetBytes, run.Content, cancellationToken);
        }
    }
}
