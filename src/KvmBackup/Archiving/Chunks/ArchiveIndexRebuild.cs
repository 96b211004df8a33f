using KvmBackup.Archiving.Checksums;
using KvmBackup.Archiving.Codecs;
using KvmBackup.Archiving.Primitives;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Archiving.Chunks;

/// <summary>Rebuilds the index from the archive alone: in each format the start of the next piece can be
/// found.</summary>
internal sealed class ArchiveIndexRebuild(SafeFileHandle archive, CompressionMethod method, int defaultChunkBytes)
{
    /// <summary>Every chunk is longer than this, with every codec.</summary>
    private const int ShortestChunk = 8;

    private readonly long fileBytes = RandomAccess.GetLength(archive);
    private readonly List<ArchiveChunk> chunks = [];
    private byte[] buffer = [];
    private int chunkBytes;
    private long tarBytes;

    public async Task<ArchiveIndex> RunAsync(CancellationToken cancellationToken)
    {
        await FollowAsync(cancellationToken);

        // A single chunk does not reveal the chunk size; the default is right unless it is too small.
        int size = chunks.Count > 1 ? chunkBytes : Math.Max(defaultChunkBytes, chunkBytes);
        ArchiveIndex index = new(ArchiveIndex.CurrentFormatVersion, size, tarBytes, chunks);
        index.EnsureSound();
        return index;
    }

    /// <summary>Rebuilds the index up to the damage; the rest counts as unreadable chunks.</summary>
    /// <param name="fullTarBytes">Size of the tar stream when it was written; 0 when unknown.</param>
    /// <param name="cancellationToken">Stops promptly.</param>
    public async Task<ArchiveIndex> SalvageAsync(long fullTarBytes, CancellationToken cancellationToken)
    {
        try
        {
            await FollowAsync(cancellationToken);
        }
        catch (ArchivingException)
        {
            // The readable part ends here; the missing part is reported when it is read.
        }

        long known = chunks.Count == 0 ? 0 : chunks[^1].EndBytes;

        // A chunk that is not the last has the chunk size.
        bool isSizeKnown = chunks.Count > 1
            || (method != CompressionMethod.None && chunks.Count == 1
                && (known < fileBytes || fullTarBytes > chunkBytes));
        int size = isSizeKnown ? chunkBytes : Math.Max(defaultChunkBytes, chunkBytes);
        if (known < fileBytes && ((long)chunks.Count * size < fullTarBytes || fullTarBytes == 0))
        {
            // The damaged chunk: its beginning may be readable.
            int length = (int)Math.Min(fileBytes - known, CodecFactory.LongestPacked(size));
            chunks.Add(new ArchiveChunk(known, length, default));
            tarBytes = (long)chunks.Count * size;
        }

        long full = fullTarBytes > 0 ? fullTarBytes : Math.Max(tarBytes, size);
        ArchiveIndex index = new ArchiveIndex(
            ArchiveIndex.CurrentFormatVersion, size, Math.Min(full, (long)chunks.Count * size), chunks).Extend(full);
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
            : throw Damaged(offset, "no chunk of this program begins");
    }

    /// <summary>The length of a bzip2 stream, which ends where the next one begins.</summary>
    private async ValueTask<long?> Bzip2LengthAsync(long offset, CancellationToken cancellationToken)
    {
        int longest = CodecFactory.LongestPacked(Math.Max(defaultChunkBytes, chunkBytes)) + Bzip2Stream.HeaderBytes;
        ReadOnlyMemory<byte> bytes = await ReadUpToAsync(offset, longest, cancellationToken);
        return Bzip2Stream.IsHeader(bytes.Span) ? Bzip2Stream.FindNext(bytes.Span) : null;
    }

    /// <summary>The length of a bzip2 stream's content, which the format does not record.</summary>
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

    /// <summary>The length of a zstd frame, found block by block, because the format does not record it.</summary>
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
        // The size of the file limits the allocation when a length is damaged.
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
        $"The index cannot be rebuilt from the archive: at byte {offset} {what}.", ExitCode.DamageFound);
}
