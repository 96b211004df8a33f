using KvmBackup.Archiving.Checksums;
using KvmBackup.Archiving.Chunks;
using KvmBackup.Archiving.Codecs;
using KvmBackup.Archiving.Primitives;
using KvmBackup.Archiving.Tar;
using KvmBackup.Shell;

namespace KvmBackup.Archiving;

/// <summary>
/// Writes one archive: a PAX tar stream, cut into chunks of a fixed size, each compressed separately and in parallel.
/// Content is read once, directly into the chunks. One caller at a time; after a failure or a cancellation the archive
/// is unusable, and the writer can only be disposed.
/// </summary>
public sealed class ArchiveWriter : IAsyncDisposable
{
    private readonly ChunkPipeline pipeline;
    private readonly int chunkBytes;
    private readonly long modifiedSeconds;
    private Chunk? current;
    private long tarBytes;
    private bool isBetweenMembers = true;

    /// <param name="destination">Receives the archive, from its current position; is neither flushed nor
    /// disposed.</param>
    /// <param name="compression">Codec, level and number of workers.</param>
    /// <param name="runner">Starts codecs that are programs.</param>
    /// <param name="modifiedAt">The modification time of every member.</param>
    /// <param name="chunkBytes">The size of a chunk before compression: a multiple of 512.</param>
    /// <exception cref="ArchivingException">The codec or its level is not available.</exception>
    public ArchiveWriter(
        Stream destination,
        Compression compression,
        IProcessRunner runner,
        DateTimeOffset modifiedAt,
        int chunkBytes = ChunkSize.DefaultBytes)
    {
        ArchiveIndex.EnsureChunkBytes(chunkBytes);
        this.chunkBytes = chunkBytes;
        modifiedSeconds = modifiedAt.ToUnixTimeSeconds();
        ICodec[] codecs = [.. Enumerable.Range(0, CodecFactory.Workers(compression))
            .Select(_ => CodecFactory.Create(compression, runner))];
        pipeline = new ChunkPipeline(destination, codecs, chunkBytes);
    }

    /// <summary>Adds a member; returns when all of it is read, which is before all of it is written.</summary>
    /// <param name="name">The path in the archive: relative, without dots.</param>
    /// <param name="content">Is read once, ascending; holes are read only to fill a block of 512 bytes.</param>
    /// <param name="bytesRead">Receives the bytes of data read from this member since its start.</param>
    /// <param name="cancellationToken">Stops promptly; the archive is then unusable.</param>
    public async Task<ArchiveMember> AddAsync(
        string name, IExtentSource content, IProgress<long>? bytesRead, CancellationToken cancellationToken)
    {
        EnsureSound(name, content.SizeBytes, content.Extents);
        IReadOnlyList<Extent> extents = TarHeader.WidenToBlocks(content.Extents, content.SizeBytes);
        BeginStep();
        long headerOffset = tarBytes;
        await PutAsync(
            TarHeader.Build(name, content.SizeBytes, extents, modifiedSeconds), cancellationToken);
        long dataOffset = tarBytes;

        using ContentHash hash = new(content.SizeBytes, extents);
        await PutDataAsync(content, extents, hash, bytesRead, cancellationToken);
        await PutAsync(new byte[TarHeader.PaddedLength(tarBytes) - tarBytes], cancellationToken);
        current?.HashPieces();
        _ = await pipeline.WaitAsync(
            async token =>
            {
                await hash.Completion.WaitAsync(token);
                return true;
            },
            cancellationToken);
        isBetweenMembers = true;
        return new ArchiveMember(
            name, content.SizeBytes, headerOffset, dataOffset, extents, hash.Finish());
    }

    /// <summary>Adds a small member from memory.</summary>
    public Task<ArchiveMember> AddAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        AddAsync(name, new MemorySource(content), bytesRead: null, cancellationToken);

    /// <summary>Ends the tar stream and waits until all of it is written, without a flush to disk.</summary>
    public async Task<ArchiveSummary> CompleteAsync(CancellationToken cancellationToken)
    {
        BeginStep();
        await PutAsync(new byte[TarHeader.EndBytes], cancellationToken);
        if (current is not null)
        {
            pipeline.Submit(current);
            current = null;
        }

        (IReadOnlyList<ArchiveChunk> chunks, string sha256) = await pipeline.CompleteAsync(cancellationToken);
        ArchiveIndex index = new(ArchiveIndex.CurrentFormatVersion, chunkBytes, tarBytes, chunks);
        return new ArchiveSummary(index.SizeBytes, tarBytes, sha256, index);
    }

    public ValueTask DisposeAsync() => pipeline.DisposeAsync();

    private static void EnsureSound(string name, long sizeBytes, IReadOnlyList<Extent> extents)
    {
        if (!TarMap.IsSafeName(name))
        {
            throw new ArchivingException($"'{name}' cannot be the name of a file in an archive.");
        }

        if (sizeBytes is < 0 or > TarMap.LargestMember || !ExtentList.AreSound(extents, sizeBytes))
        {
            throw new ArchivingException(
                $"The source of {name} has extents that are out of order or beyond its {sizeBytes} bytes; nothing of "
                + "it was stored. Is it being resized?");
        }
    }

    private void BeginStep()
    {
        if (!isBetweenMembers)
        {
            throw new InvalidOperationException("The previous member of the archive is incomplete.");
        }

        isBetweenMembers = false;
    }

    private async Task PutDataAsync(
        IExtentSource content,
        IReadOnlyList<Extent> extents,
        ContentHash hash,
        IProgress<long>? bytesRead,
        CancellationToken cancellationToken)
    {
        long done = 0;
        foreach (Extent extent in extents)
        {
            for (long offset = extent.OffsetBytes; offset < extent.EndBytes;)
            {
                Memory<byte> free = await FreeAsync(cancellationToken);
                int length = (int)Math.Min(free.Length, extent.EndBytes - offset);
                await content.ReadAsync(offset, free[..length], cancellationToken);
                current!.Advance(length, hash, offset);
                SubmitIfFull(length);
                offset += length;
                done += length;
                bytesRead?.Report(done);
            }
        }
    }

    private async Task PutAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            Memory<byte> free = await FreeAsync(cancellationToken);
            int length = Math.Min(free.Length, bytes.Length);
            bytes[..length].CopyTo(free);
            current!.Advance(length);
            SubmitIfFull(length);
            bytes = bytes[length..];
        }
    }

    private async ValueTask<Memory<byte>> FreeAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        current ??= await pipeline.RentAsync(cancellationToken);
        return current.Free;
    }

    private void SubmitIfFull(int length)
    {
        tarBytes += length;
        if (current!.IsFull)
        {
            pipeline.Submit(current);
            current = null;
        }
    }

    private sealed class MemorySource(ReadOnlyMemory<byte> content) : IExtentSource
    {
        public long SizeBytes => content.Length;

        public IReadOnlyList<Extent> Extents { get; } = content.IsEmpty ? [] : [new Extent(0, content.Length)];

        public ValueTask ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
        {
            content.Slice((int)offsetBytes, buffer.Length).CopyTo(buffer);
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>A completed archive.</summary>
/// <param name="SizeBytes">Size of the file.</param>
/// <param name="TarBytes">Size of the tar stream before compression.</param>
/// <param name="Sha256">Of the file, in lower-case hexadecimal.</param>
/// <param name="Index">The positions of its chunks.</param>
public sealed record ArchiveSummary(long SizeBytes, long TarBytes, string Sha256, ArchiveIndex Index);
