using System.Threading.Channels;
using KvmBackup.Shell;

namespace KvmBackup.Ceph;

/// <summary>
/// The data of some changes, read once and ascending from one <c>rbd export-diff</c>, some MiB ahead of the one who asks
/// for them. Every record is compared with the changes, and the program's end is part of the truth.
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

    /// <summary>Somebody wants data, and the cluster has not given them yet.</summary>
    public bool IsWaiting => isWaiting;

    /// <summary>Fills a buffer with data of the image; offsets ascend from call to call.</summary>
    /// <exception cref="CephException">The stream broke, or is not what was told.</exception>
    public async ValueTask ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!buffer.IsEmpty)
        {
            RbdBlock.Run found = await SeekAsync(offsetBytes, cancellationToken);
            long skip = offsetBytes - found.OffsetBytes;
            if (skip < 0)
            {
                throw new InvalidOperationException($"The data at {offsetBytes} were read before, or were never told.");
            }

            int count = (int)Math.Min(buffer.Length, found.LengthBytes - skip);
            current!.Copy(found, skip, buffer.Span[..count]);
            offsetBytes += count;
            buffer = buffer[count..];
        }
    }

    /// <summary>Waits until the stream and the program have ended well. What was not asked for is passed over.</summary>
    public async Task EndAsync(CancellationToken cancellationToken)
    {
        while (await NextBlockAsync(cancellationToken))
        {
            // Only the end is of interest.
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
                throw new InvalidOperationException($"There are no data at {offsetBytes}.");
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

    /// <summary>Runs on a thread of its own, for it blocks in the pipe.</summary>
    private void Pump()
    {
        try
        {
            RbdDiffReader reader = new(program.StandardOutput, request.Name, request.Changes);
            try
            {
                PumpRecords(reader);
            }
            catch (CephException) when (reader.IsCut)
            {
                // Why it broke off is what the program can tell best.
                EnsureGoodEnd();
                throw;
            }

            EnsureGoodEnd();
            blocks.Writer.Complete();
        }
        catch (ShellException failure)
        {
            blocks.Writer.Complete(request.Late(failure));
        }
        catch (Exception failure)
        {
            // Thrown again where the data are asked for.
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

/// <summary>What is to be exported, and what is known of it beforehand.</summary>
/// <param name="Location">The image.</param>
/// <param name="Snapshot">At which it is read.</param>
/// <param name="FromSnapshot">Since which; null for all.</param>
/// <param name="SizeBytes">The size of the image at the snapshot.</param>
/// <param name="IsWholeObject">As the changes were asked for.</param>
/// <param name="Changes">What <c>rbd diff</c> told.</param>
internal sealed record RbdExportRequest(
    RbdLocation Location,
    string Snapshot,
    string? FromSnapshot,
    long SizeBytes,
    bool IsWholeObject,
    IReadOnlyList<ImageChange> Changes)
{
    /// <summary>What an operator must know of the image.</summary>
    public string? Warning { get; init; }

    public string Name => $"{Location}@{Snapshot}";

    public string Purpose => $"Reading {Name}";

    public IPipedProgram Open(RbdClient client) => client.OpenExport(Location, Snapshot, FromSnapshot, IsWholeObject);

    public CephException Late(ShellException failure) =>
        new($"{Purpose} failed: {failure.Message} Does the cluster hang? ceph health detail", ExitCode.Failed, failure);

    /// <summary>Asks the cluster for the size and the changes.</summary>
    /// <param name="client">Asks.</param>
    /// <param name="location">The image.</param>
    /// <param name="snapshot">At which it is read.</param>
    /// <param name="fromSnapshot">Since which; null for all.</param>
    /// <param name="isWholeObject">Whether whole objects are asked for; null for never, which can be asked at once.</param>
    /// <param name="cancellationToken">Ends the asking.</param>
    /// <exception cref="CephException">It cannot be asked, or its answers contradict each other.</exception>
    public static async Task<RbdExportRequest> PrepareAsync(
        RbdClient client, RbdLocation location, string snapshot, string? fromSnapshot, Func<RbdImageFacts, bool>? isWholeObject,
        CancellationToken cancellationToken)
    {
        Task<RbdImageFacts> described = client.DescribeAsync(location, snapshot, cancellationToken);
        async Task<bool> IsWholeAsync() => isWholeObject is not null && isWholeObject(await described);
        async Task<string?> ProveAsync() =>
            await RbdObjectMap.ProveAsync(client, location, snapshot, await described, cancellationToken);
        Task<IReadOnlyList<ImageChange>> DiffAsync(bool isWhole) =>
            client.DiffAsync(location, snapshot, fromSnapshot, isWhole, cancellationToken);

        // Both ask for each object in turn, so that together they take little longer than one.
        Task<string?> proof = ProveAsync();
        bool isWhole = await IsWholeAsync();
        Task<IReadOnlyList<ImageChange>> diff = DiffAsync(isWhole);
        await Task.WhenAll(described, proof, diff);
        RbdImageFacts facts = await described;
        IReadOnlyList<ImageChange> changes = await diff;
        string? warning = await proof;
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
