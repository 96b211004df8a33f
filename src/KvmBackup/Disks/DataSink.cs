using KvmBackup.Model;

namespace KvmBackup.Disks;

/// <summary>Lets through only what is not zeros, for an image that is new: an archive's holes are coarser than a cluster's can be.</summary>
/// <param name="image">Nothing but zeros until now.</param>
public sealed class DataSink(IExtentSink image) : IExtentSink
{
    // What a cluster allocates at once is at least 4 KiB; shorter runs cost more requests than they save.
    private const int BlockBytes = 64 * 1024;

    public async ValueTask WriteAsync(long offsetBytes, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        int start = 0;
        for (int position = 0; position < data.Length;)
        {
            int end = (int)Math.Min(data.Length, position + BlockBytes - ((offsetBytes + position) % BlockBytes));
            if (!data.Span[position..end].ContainsAnyExcept((byte)0))
            {
                await PutAsync(offsetBytes, data, start, position, cancellationToken);
                start = end;
            }

            position = end;
        }

        await PutAsync(offsetBytes, data, start, data.Length, cancellationToken);
    }

    private ValueTask PutAsync(
        long offsetBytes, ReadOnlyMemory<byte> data, int start, int end, CancellationToken cancellationToken) =>
        end > start ? image.WriteAsync(offsetBytes + start, data[start..end], cancellationToken) : ValueTask.CompletedTask;
}
