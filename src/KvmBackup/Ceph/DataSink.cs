using KvmBackup.Disks;

namespace KvmBackup.Ceph;

/// <summary>Writes only the data that are not zeros to a new image, because the holes of an archive are
/// coarse.</summary>
/// <param name="image">An image that is all zeros.</param>
public sealed class DataSink(IExtentSink image) : IExtentSink
{
    // A cluster allocates at least 4 KiB at once; smaller holes cost more requests than they save.
    private const int BlockBytes = 64 * 1024;

    public async ValueTask WriteAsync(long offsetBytes, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        foreach (DataRun run in DataRun.Within(offsetBytes, data, BlockBytes).Where(run => run.IsData))
        {
            await image.WriteAsync(run.OffsetBytes, run.Content, cancellationToken);
        }
    }
}
