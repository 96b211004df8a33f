namespace KvmBackup.Ceph;

/// <summary>
/// Applies a stream of changes, which comes in any order and from several threads, to an image that has the content of the
/// snapshot before.
/// </summary>
/// <param name="layout">Of the stream; a byte of structure that is otherwise is a failure.</param>
/// <param name="image">Gets the data.</param>
/// <param name="discard">Makes a run of the image read as zeros, as a hole where it can; without it zeros are written.</param>
public sealed class RbdDiffSink(
    RbdDiffLayout layout, IExtentSink image, Func<Extent, CancellationToken, ValueTask>? discard = null) : IExtentSink
{
    private static readonly byte[] Zeros = new byte[1 << 20];

    /// <exception cref="CephException">It is not the stream of the layout, or the image refuses.</exception>
    public async ValueTask WriteAsync(long offsetBytes, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        if (!layout.IsStructure(offsetBytes, data.Span))
        {
            throw new CephException(
                $"The changes that lead to the snapshot {layout.ToSnapshot} are not those that the manifest tells, between "
                + $"bytes {offsetBytes} and {offsetBytes + data.Length}; use another copy of this backup.", ExitCode.DamageFound);
        }

        foreach (Extent extent in layout.DiscardsIn(offsetBytes, data.Length))
        {
            await (discard?.Invoke(extent, cancellationToken) ?? WriteZerosAsync(extent, cancellationToken));
        }

        foreach (RbdDiffPart part in layout.Locate(offsetBytes, data.Length))
        {
            await image.WriteAsync(part.ImageOffsetBytes, data.Slice(part.Start, part.Length), cancellationToken);
        }
    }

    private async ValueTask WriteZerosAsync(Extent extent, CancellationToken cancellationToken)
    {
        for (long offset = extent.OffsetBytes; offset < extent.EndBytes; offset += Zeros.Length)
        {
            int length = (int)Math.Min(Zeros.Length, extent.EndBytes - offset);
            await image.WriteAsync(offset, Zeros.AsMemory(0, length), cancellationToken);
        }
    }
}
