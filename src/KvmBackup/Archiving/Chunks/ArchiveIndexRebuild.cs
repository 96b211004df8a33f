using KvmBackup.Archiving.Checksums;
using KvmBackup.Archiving.Codecs;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Archiving.Chunks;

/// <summary>Makes the index of an archive from it alone: each format tells where its next piece begins.</summary>
internal sealed class ArchiveIndexRebuild(SafeFileHandle archive, CompressionMethod method, int defaultChunkBytes)
{
    /// <summary>No chunk is this short, whatever the codec.</summary>
    private const int ShortestChunk = 8;

    private readonly long fileBytes = RandomAccess.GetLength(archive);
    private readonly List<ArchiveChunk> chunks = [];
    private byte[] buffer = [];
    private int chunkBytes;
    private long tarBytes;

    public async Task<ArchiveIndex> RunAsync(CancellationToken cancellationToken)
    {
        await FollowAsync(cancellationToken);

        // One chunk does not tell the size of the others; the usual size is right unless it is too small.
        int size = chunks.Count > 1 ? chunkBytes : Math.Max(defaultChunkBytes, chunkBytes);
        ArchiveIndex index = new(ArchiveIndex.CurrentFormatVersion, size, tarBytes, chunks);
        index.EnsureSound();
        return index;
    }

    /// <summary>The same as far as the archive goes: what follows counts as chunks that cannot be read.</summary>
    /// <param name="wholeTarBytes">Size of the tar stream when it was written; 0 when that is not known.</param>
    public async Task<ArchiveIndex> SalvageAsync(long wholeTarBytes, CancellationToken cancellationToken)
    {
        try
        {
            await FollowAsync(cancellationToken);
        }
        catch (ArchivingException)
        {
            // It ends here; what is missing is found when it is asked for.
        }

        long known = chunks.Count == 0 ? 0 : chunks[^1].EndBytes;

        // A chunk after which more came was a whole one, and tells the size.
        bool isSizeKnown = chunks.Count > 1
            || (method != CompressionMethod.None && chunks.Count == 1 && (known < fileBytes || wholeTarBytes > chunkBytes));
        int size = isSizeKnown ? chunkBytes : Math.Max(defaultChunkBytes, chunkBytes);
        if (known < fileBytes && ((long)chunks.Count * size < wholeTarBytes || wholeTarBytes == 0))
        {
            // The chunk in which the damage lies: its beginning may be had.
            chunks.Add(new ArchiveChunk(known, (int)Math.Min(fileBytes - known, CodecFactory.LongestPacked(size)), default));
            tarBytes = (long)chunks.Count * size;
        }

        long whole = wholeTarBytes > 0 ? wholeTarBytes : Math.Max(tarBytes, size);
        ArchiveIndex index = new ArchiveIndex(
            ArchiveIndex.CurrentFormatVersion, size, Math.Min(whole, (long)chunks.Count * size), chunks).Extend(whole);
        index.EnsureSound();
        return index;
    }

    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        for (long offset = 0; offset < fileBytes;)
        {
            int length = await LengthAtAsync(offset, cancellationToken);
            ReadOnlyMemory<byte> packed = await ReadAsync(offset, length, cancellationToken);
            Add(offset, packed);
            offset += length;
        }
    }

    private void Add(long offset, ReadOnlyMemory<byte> packed)
    {
        long content = method switch
        {
            CompressionMethod.None => packed.Length,
            CompressionMethod.Zstd => ZstdFrame.ReadHeader(packed.Span)?.ContentBytes ?? 0,
            CompressionMethod.Bzip2 => UnpackedLength(packed),
            _ => GzipMember.ContentLength(packed.Span),
        };
        if (content is <= 0 or > ArchiveIndex.LargestChunkBytes)
        {
            throw Damaged(offset, $"a chunk of {content} bytes");
        }

        if (chunks.Count == 0)
        {
            chunkBytes = (int)content;
        }
        else if (content > chunkBytes || tarBytes != (long)chunks.Count * chunkBytes)
        {
            throw Damaged(offset, $"a chunk of {content} bytes after those of {chunkBytes}");
        }

        tarBytes += content;
        chunks.Add(new ArchiveChunk(offset, packed.Length, Xxh128.Of(packed.Span)));
    }

    private async ValueTask<int> LengthAtAsync(long offset, CancellationToken cancellationToken)
    {
        long? length = method switch
        {
            CompressionMethod.None => Math.Min(defaultChunkBytes, fileBytes - offset),
            CompressionMethod.Zstd => await FrameLengthAsync(offset, cancellationToken),
            CompressionMethod.Bzip2 => await Bzip2LengthAsync(offset, cancellationToken),
            _ => GzipMember.ReadLength((await ReadUpToAsync(offset, GzipMember.HeaderBytes, cancellationToken)).Span),
        };
        return length is > ShortestChunk
            && length <= CodecFactory.LongestPacked(ArchiveIndex.LargestChunkBytes)
            ? (int)length
            : throw Damaged(offset, "no chunk of ours begins");
    }

    /// <summary>A bzip2 stream does not tell where it ends: the next one begins there.</summary>
    private async ValueTask<long?> Bzip2LengthAsync(long offset, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> bytes = await ReadUpToAsync(
            offset, CodecFactory.LongestPacked(Math.Max(defaultChunkBytes, chunkBytes)) + Bzip2Stream.HeaderBytes, cancellationToken);
        return Bzip2Stream.IsHeader(bytes.Span) ? Bzip2Stream.FindNext(bytes.Span) : null;
    }

    /// <summary>Nor does it tell its content: that is counted.</summary>
    private long UnpackedLength(ReadOnlyMemory<byte> packed)
    {
        try
        {
            return Bzip2Codec.CountContent(packed, Math.Max(defaultChunkBytes, chunkBytes));
        }
        catch (InvalidDataException)
        {
            return 0;
        }
    }

    /// <summary>Steps from block to block of a frame: the format does not tell the length of the whole.</summary>
    private async ValueTask<long?> FrameLengthAsync(long offset, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> start = await ReadUpToAsync(offset, ZstdFrame.LongestHeader, cancellationToken);
        if (ZstdFrame.ReadHeader(start.Span) is not { } header)
        {
            return null;
        }

        long position = offset + header.LengthBytes;
        while (position - offset <= ArchiveIndex.LargestChunkBytes * 2L)
        {
            ReadOnlyMemory<byte> bytes = await ReadUpToAsync(position, ZstdFrame.BlockHeaderBytes, cancellationToken);
            if (bytes.Length < ZstdFrame.BlockHeaderBytes || ZstdFrame.ReadBlock(bytes.Span) is not { } block)
            {
                return null;
            }

            position += ZstdFrame.BlockHeaderBytes + block.LengthBytes;
            if (block.IsLast)
            {
                return position + (header.HasChecksum ? 4 : 0) - offset;
            }
        }

        return null;
    }

    private async ValueTask<ReadOnlyMemory<byte>> ReadAsync(
        long offset, int length, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> bytes = await ReadUpToAsync(offset, length, cancellationToken);
        return bytes.Length == length ? bytes : throw Damaged(offset, "the file ends within a chunk");
    }

    private async ValueTask<ReadOnlyMemory<byte>> ReadUpToAsync(
        long offset, int length, CancellationToken cancellationToken)
    {
        // What a damaged length asks for beyond the file is never allocated.
        length = (int)Math.Clamp(fileBytes - offset, 0, length);
        if (buffer.Length < length)
        {
            buffer = GC.AllocateUninitializedArray<byte>(Math.Max(length, defaultChunkBytes));
        }

        int filled = 0;
        while (filled < length)
        {
            Memory<byte> rest = buffer.AsMemory(filled, length - filled);
            int count = await RandomAccess.ReadAsync(archive, rest, offset + filled, cancellationToken);
            if (count == 0)
            {
                break;
            }

            filled += count;
        }

        return buffer.AsMemory(0, filled);
    }

    private static ArchivingException Damaged(long offset, string what) => new(
        $"The index cannot be made from the archive: at byte {offset} {what}.", ExitCode.DamageFound);
}
