namespace KvmBackup.Ceph;

/// <summary>
/// Applies a diff stream, which arrives in any order and from several threads, to an image that has the content of the
/// earlier snapshot.
/// </summary>
/// <param name="layout">The layout of the stream; a deviation is a failure.</param>
/// <param name="image">Receives the data.</param>
/// <param name="discard">Zeroes a range of the image, as a hole where possible; without it zeros are written.</param>
public sealed class RbdDiffSink(
    RbdDiffLayout layout, IExtentSink image, Func<Extent, CancellationToken, ValueTask>? discard = null) : IExtentSink
{
    private static readonly byte[] Zeros = new byte[1 << 20];

    /// <exception cref="CephException">The stream does not match the layout, or the write failed.</exception>
    public async ValueTask WriteAsync(long offsetBytes, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        if (!layout.IsStructure(offsetBytes, data.Span))
        {
            throw new CephException(
                $"The changes up to the snapshot {layout.ToSnapshot} differ from those in the manifest, between bytes "
                + $"{offsetBytes} and {offsetBytes + data.Length}; use another copy of this backup.",
                ExitCode.DamageFound);
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
