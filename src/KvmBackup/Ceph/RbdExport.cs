using System.Threading.Channels;
using KvmBackup.Shell;

namespace KvmBackup.Ceph;

/// <summary>
/// The data of a list of changes, read once and ascending from one <c>rbd export-diff</c>, some MiB ahead of the
/// consumer. Every record is compared with the changes, and the exit status of the program is checked.
/// </summary>
internal sealed class RbdExport : IAsyncDisposable
{
    private const int BlocksAhead = 4;
    private readonly IPipedProgram program;
    private readonly RbdExportRequest request;
    private readonly CancellationTokenSource stop = new();
    private readonly Channel<RbdBlock> blocks = Channel.CreateBounded<RbdBlock>(
        new BoundedChannelOptions(BlocksAhead) { SingleReader = true, SingleWriter = true });

    private readonly Task pump;
    private RbdBlock? current;
    private int run;
    private volatile bool isWaiting;

    public RbdExport(RbdClient client, RbdExportRequest request)
    {
        this.request = request;
        program = request.Open(client);
        pump = Task.Factory.StartNew(
            Pump, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>The consumer waits for data from the cluster.</summary>
    public bool IsWaiting => isWaiting;

    /// <summary>Fills a buffer with data of the image; offsets ascend from call to call.</summary>
    /// <exception cref="CephException">The stream is truncated, or differs from the queried changes.</exception>
    public async ValueTask ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!buffer.IsEmpty)
        {
            RbdBlock.Run found = await SeekAsync(offsetBytes, cancellationToken);
            long skip = offsetBytes - found.OffsetBytes;
            if (skip < 0)
            {
                throw new InvalidOperationException(
                    $"The data at {offsetBytes} were already read, or are not in the changes.");
            }

            int count = (int)Math.Min(buffer.Length, found.LengthBytes - skip);
            current!.Copy(found, skip, buffer.Span[..count]);
            offsetBytes += count;
            buffer = buffer[count..];
        }
    }

    /// <summary>Waits until the stream and the program have ended successfully. Unread data are skipped.</summary>
    public async Task EndAsync(CancellationToken cancellationToken)
    {
        while (await NextBlockAsync(cancellationToken))
        {
            // Skip the block.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await program.DisposeAsync();
        await pump;
        current?.Dispose();
        while (blocks.Reader.TryRead(out RbdBlock? block))
        {
            block.Dispose();
        }

        stop.Dispose();
    }

    private async ValueTask<RbdBlock.Run> SeekAsync(long offsetBytes, CancellationToken cancellationToken)
    {
        while (true)
        {
            for (; run < (current?.Runs.Count ?? 0); run++)
            {
                RbdBlock.Run candidate = current!.Runs[run];
                if (candidate.OffsetBytes + candidate.LengthBytes > offsetBytes)
                {
                    return candidate;
                }
            }

            if (!await NextBlockAsync(cancellationToken))
            {
                throw new InvalidOperationException($"The stream has no data at {offsetBytes}.");
            }
        }
    }

    private async ValueTask<bool> NextBlockAsync(CancellationToken cancellationToken)
    {
        current?.Dispose();
        current = null;
        run = 0;
        isWaiting = true;
        bool hasMore = await blocks.Reader.WaitToReadAsync(cancellationToken);
        isWaiting = false;
        return hasMore && blocks.Reader.TryRead(out current);
    }

    /// <summary>Runs on a separate thread, because it blocks on the pipe.</summary>
    private void Pump()
    {
        try
        {
            RbdDiffReader reader = new(program.StandardOutput, request.Name, request.Changes);
            try
            {
                PumpRecords(reader);
            }
            catch (CephException) when (reader.IsTruncated)
            {
                // The program's message explains the truncation better.
                EnsureGoodEnd();
                throw;
            }

            EnsureGoodEnd();
            blocks.Writer.Complete();
        }
        catch (ShellException failure)
        {
            blocks.Writer.Complete(request.TimedOut(failure));
        }
        catch (IOException failure)
        {
            // Without this the archive writer would take it for an error of the archive.
            blocks.Writer.Complete(request.Unreadable(failure));
        }
        catch (Exception failure)
        {
            // Thrown again where the data are read.
            blocks.Writer.Complete(failure);
        }
    }

    private void PumpRecords(RbdDiffReader reader)
    {
        reader.ReadPrologue(request.FromSnapshot, request.Snapshot, request.SizeBytes);
        RbdBlock block = new();
        try
        {
            while (reader.ReadRecord() is { } record)
            {
                if (!record.IsData)
                {
                    block.AddZeros(record.OffsetBytes, record.LengthBytes);
                    block = PassIfFull(block);
                }

                for (long done = 0; record.IsData && done < record.LengthBytes;)
                {
                    Span<byte> free = block.Add(record.OffsetBytes + done, record.LengthBytes - done);
                    reader.ReadData(free);
                    done += free.Length;
                    block = PassIfFull(block);
                }
            }

            Pass(block);
        }
        catch (Exception)
        {
            block.Dispose();
            throw;
        }
    }

    private RbdBlock PassIfFull(RbdBlock block)
    {
        if (!block.IsFull)
        {
            return block;
        }

        Pass(block);
        return new RbdBlock();
    }

    private void Pass(RbdBlock block) => blocks.Writer.WriteAsync(block, stop.Token).AsTask().GetAwaiter().GetResult();

    private void EnsureGoodEnd()
    {
        ProgramResult result = program.WaitAsync(stop.Token).GetAwaiter().GetResult();
        if (!result.IsSuccess)
        {
            throw RbdFailure.Of(result, request.Purpose, request.Location);
        }
    }
}

/// <summary>An export, with the properties that were queried before it.</summary>
/// <param name="Location">The image.</param>
/// <param name="Snapshot">The snapshot at which it is read.</param>
/// <param name="FromSnapshot">The older snapshot; null for the whole content.</param>
/// <param name="SizeBytes">The size of the image at the snapshot.</param>
/// <param name="IsWholeObject">Whether the changes are whole objects.</param>
/// <param name="Changes">The output of <c>rbd diff</c>.</param>
internal sealed record RbdExportRequest(
    RbdLocation Location,
    string Snapshot,
    string? FromSnapshot,
    long SizeBytes,
    bool IsWholeObject,
    IReadOnlyList<ImageChange> Changes)
{
    /// <summary>A fault of the image, for the report; null for none.</summary>
    public string? Warning { get; init; }

    public string Name => $"{Location}@{Snapshot}";

    public string Purpose => $"Reading {Name}";

    public IPipedProgram Open(RbdClient client) => client.OpenExport(Location, Snapshot, FromSnapshot, IsWholeObject);

    public CephException TimedOut(ShellException failure) =>
        new($"{Purpose} failed: {failure.Message} Does the cluster hang? ceph health detail", ExitCode.Failed, failure);

    public CephException Unreadable(IOException failure) => new(
        $"{Purpose} failed: the output of rbd cannot be read: {failure.Message}", ExitCode.Failed, failure);

    /// <summary>Queries the size and the changes.</summary>
    /// <param name="client">Runs rbd.</param>
    /// <param name="location">The image.</param>
    /// <param name="snapshot">The snapshot at which it is read.</param>
    /// <param name="fromSnapshot">The older snapshot; null for the whole content.</param>
    /// <param name="isWholeObject">Whether to query whole objects; null for never, which needs no facts.</param>
    /// <param name="cancellationToken">Stops the query.</param>
    /// <exception cref="CephException">The cluster does not answer, or its answers are inconsistent.</exception>
    public static async Task<RbdExportRequest> PrepareAsync(
        RbdClient client, RbdLocation location, string snapshot, string? fromSnapshot,
        Func<RbdImageFacts, bool>? isWholeObject, CancellationToken cancellationToken)
    {
        Task<RbdImageFacts> described = client.DescribeAsync(location, snapshot, cancellationToken);
        async Task<bool> IsWholeAsync() => isWholeObject is not null && isWholeObject(await described);
        async Task<string?> CheckMapAsync() =>
            await RbdObjectMap.CheckAsync(client, location, snapshot, await described, cancellationToken);
        Task<IReadOnlyList<ImageChange>> DiffAsync(bool isWhole) =>
            client.DiffAsync(location, snapshot, fromSnapshot, isWhole, cancellationToken);

        // Both query each object, so that both at once take little longer than one.
        Task<string?> mapCheck = CheckMapAsync();
        bool isWhole = await IsWholeAsync();
        Task<IReadOnlyList<ImageChange>> diff = DiffAsync(isWhole);
        await Task.WhenAll(described, mapCheck, diff);
        RbdImageFacts facts = await described;
        IReadOnlyList<ImageChange> changes = await diff;
        string? warning = await mapCheck;
        if (warning is not null && isWhole)
        {
            isWhole = false;
            changes = await DiffAsync(isWhole);
        }

        RbdChanges.EnsureSound(changes, facts.SizeBytes, $"{location}@{snapshot}");
        return new RbdExportRequest(location, snapshot, fromSnapshot, facts.SizeBytes, isWhole, changes)
        {
            Warning = warning,
        };
    }
}
