using KvmBackup.Archiving.Primitives;

namespace KvmBackup.Archiving.Checksums;

/// <summary>
/// The tree checksum of a member's content: <see cref="Xxh128"/> of each MiB (the last may be shorter, holes read as
/// zeros), and XXH128 of the concatenated checksums. So holes cost nothing, and blocks may arrive in any order and from
/// any thread. The same with other programs:
/// <c>split -b 1M --filter='xxh128sum | cut -c1-32 | xxd -r -p' FILE | xxh128sum</c>
/// (of an empty file: <c>xxh128sum /dev/null</c>).
/// </summary>
public sealed class ContentHash : IDisposable
{
    public const int BlockBytes = 1 << 20;

    private const int HolesAtOnce = 4096;

    private readonly long sizeBytes;
    private readonly IReadOnlyList<Extent> extents;
    private readonly long blockCount;
    private readonly Lock gate = new();
    private readonly Xxh128 tree = new();
    private readonly Dictionary<long, UInt128> checksumsAhead = [];
    private readonly Dictionary<long, PartialBlock> partialBlocks = [];
    private readonly TaskCompletionSource complete = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long missingBytes;
    private long nextBlock;
    private int nextExtent;
    private readonly CancellationToken cancellationToken;
    private byte[]? holeChecksums;
    private bool isAbandoned;

    /// <param name="sizeBytes">The logical size of the content.</param>
    /// <param name="extents">The data: ascending, not overlapping, within the size.</param>
    /// <param name="cancellationToken">Ends the hashing of long holes.</param>
    public ContentHash(long sizeBytes, IReadOnlyList<Extent> extents, CancellationToken cancellationToken = default)
    {
        this.cancellationToken = cancellationToken;
        this.sizeBytes = sizeBytes;
        this.extents = extents;
        blockCount = (sizeBytes + BlockBytes - 1) / BlockBytes;
        missingBytes = extents.Sum(extent => extent.LengthBytes);
        if (missingBytes == 0)
        {
            complete.SetResult();
        }
    }

    /// <summary>Computes the checksum of a source, for a comparison with a member of an archive.</summary>
    public static async Task<string> ComputeAsync(IExtentSource content, CancellationToken cancellationToken)
    {
        using ContentHash hash = new(content.SizeBytes, content.Extents, cancellationToken);
        byte[] buffer = new byte[BlockBytes];
        foreach (Extent extent in content.Extents)
        {
            for (long offset = extent.OffsetBytes; offset < extent.EndBytes; offset += buffer.Length)
            {
                Memory<byte> part = buffer.AsMemory(0, (int)Math.Min(buffer.Length, extent.EndBytes - offset));
                await content.ReadAsync(offset, part, cancellationToken);
                hash.Add(offset, part.Span);
            }
        }

        return hash.Finish();
    }

    /// <summary>Completes when every byte of data has been added.</summary>
    public Task Completion => complete.Task;

    /// <summary>Adds data: each byte of each extent once, in any order, from any thread.</summary>
    public void Add(long offsetBytes, ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            long block = offsetBytes / BlockBytes;
            int within = (int)(offsetBytes % BlockBytes);
            int length = Math.Min(BlockLength(block) - within, data.Length);
            if (length == BlockLength(block))
            {
                Settle(block, Xxh128.Of(data[..length]), length);
            }
            else
            {
                AddPart(block, within, data[..length]);
            }

            offsetBytes += length;
            data = data[length..];
        }
    }

    /// <summary>The checksum in lower-case hexadecimal, after <see cref="Completion"/>.</summary>
    public string Finish()
    {
        lock (gate)
        {
            if (missingBytes != 0)
            {
                throw new InvalidOperationException($"{missingBytes} bytes of the content were not hashed.");
            }

            AppendSettledBlocks();
            return Xxh128.Format(tree.Finish());
        }
    }

    /// <summary>Releases the state, because some of the data are lost. Later additions are ignored.</summary>
    public void Abandon()
    {
        lock (gate)
        {
            isAbandoned = true;
            checksumsAhead.Clear();
            partialBlocks.Clear();
        }
    }

    public void Dispose() => tree.Dispose();

    private int BlockLength(long block) => (int)Math.Min(BlockBytes, sizeBytes - (block * BlockBytes));

    private void AddPart(long block, int within, ReadOnlySpan<byte> data)
    {
        PartialBlock? part;
        lock (gate)
        {
            if (isAbandoned)
            {
                return;
            }

            if (!partialBlocks.TryGetValue(block, out part))
            {
                part = new PartialBlock(BlockLength(block), DataBytesOf(block));
                partialBlocks.Add(block, part);
            }
        }

        if (part.Add(within, data))
        {
            UInt128 checksum = part.ChecksumAndRelease();
            lock (gate)
            {
                partialBlocks.Remove(block);
            }

            Settle(block, checksum, part.DataBytes);
        }
    }

    private void Settle(long block, UInt128 checksum, int dataBytes)
    {
        lock (gate)
        {
            if (isAbandoned)
            {
                return;
            }

            checksumsAhead.Add(block, checksum);
            AppendSettledBlocks();
            missingBytes -= dataBytes;
            if (missingBytes == 0)
            {
                complete.SetResult();
            }
        }
    }

    /// <summary>Limits memory: only checksums that wait for an earlier block are kept.</summary>
    private void AppendSettledBlocks()
    {
        while (nextBlock < blockCount)
        {
            if (checksumsAhead.Remove(nextBlock, out UInt128 checksum))
            {
                tree.Append(checksum);
                nextBlock++;
            }
            else if (FirstBlockWithData() is long dataBlock && dataBlock > nextBlock)
            {
                AppendHoles(dataBlock);
            }
            else
            {
                return;
            }
        }
    }

    private long FirstBlockWithData()
    {
        while (nextExtent < extents.Count && extents[nextExtent].EndBytes <= nextBlock * BlockBytes)
        {
            nextExtent++;
        }

        return nextExtent < extents.Count
            ? Math.Max(nextBlock, extents[nextExtent].OffsetBytes / BlockBytes)
            : blockCount;
    }

    private void AppendHoles(long endBlock)
    {
        long fullEnd = Math.Min(endBlock, sizeBytes / BlockBytes);
        while (nextBlock < fullEnd)
        {
            // A hole of 1 PiB has a billion blocks: many are added at once.
            cancellationToken.ThrowIfCancellationRequested();
            int count = (int)Math.Min(fullEnd - nextBlock, HolesAtOnce);
            tree.Append((holeChecksums ??= RepeatHoleChecksum()).AsSpan(0, count * Xxh128.SizeBytes));
            nextBlock += count;
        }

        if (nextBlock < endBlock)
        {
            tree.Append(Xxh128.Of(new byte[BlockLength(nextBlock)]));
            nextBlock++;
        }
    }

    private static byte[] RepeatHoleChecksum()
    {
        byte[] checksums = new byte[HolesAtOnce * Xxh128.SizeBytes];
        UInt128 checksum = Xxh128.Of(new byte[BlockBytes]);
        for (int offset = 0; offset < checksums.Length; offset += Xxh128.SizeBytes)
        {
            System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(checksums.AsSpan(offset), checksum);
        }

        return checksums;
    }

    private int DataBytesOf(long block)
    {
        long start = block * BlockBytes;
        long end = start + BlockLength(block);
        long bytes = 0;
        for (int index = ExtentList.FirstEndingAfter(extents, start);
            index < extents.Count && extents[index].OffsetBytes < end;
            index++)
        {
            bytes += Math.Min(end, extents[index].EndBytes) - Math.Max(start, extents[index].OffsetBytes);
        }

        return (int)bytes;
    }
}
