using KvmBackup.Shell;

namespace KvmBackup.Ceph;

/// <summary>
/// Writes into an RBD image, in any order and from several threads, by one <c>rbd import-diff</c> that has several
/// requests in flight. Only what is not zeros is written. Without <see cref="CompleteAsync"/> the image is half of one, and
/// whoever made it removes it. One writer for each link of a chain.
/// </summary>
public sealed class RbdImageWriter : IExtentSink, IAsyncDisposable
{
    /// <summary>Ceph's usual size of an object: zeros of that size are no object at all.</summary>
    private const int PieceBytes = 4 << 20;

    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(10);
    private readonly RbdLocation location;
    private readonly ProgramCall call;
    private readonly IPipedProgram program;
    private readonly SemaphoreSlim turn = new(1);
    private bool isBroken;
    private bool isCompleted;

    private RbdImageWriter(RbdClient client, RbdLocation location)
    {
        this.location = location;
        call = RbdClient.ImportCall(location);
        program = client.OpenImport(location);
    }

    /// <summary>Begins to write into an image, which gets this size first if it has another.</summary>
    /// <exception cref="CephException">It cannot be written.</exception>
    public static async Task<RbdImageWriter> OpenAsync(
        RbdClient client, RbdLocation location, long sizeBytes, CancellationToken cancellationToken)
    {
        RbdImageWriter writer = new(client, location);
        try
        {
            await writer.PutAsync(RbdDiffFormat.Prologue(null, null, sizeBytes), default, cancellationToken);
            return writer;
        }
        catch (Exception)
        {
            await writer.DisposeAsync();
            throw;
        }
    }

    public async ValueTask WriteAsync(long offsetBytes, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        while (!data.IsEmpty)
        {
            int length = (int)Math.Min(data.Length, PieceBytes - (offsetBytes % PieceBytes));
            ReadOnlyMemory<byte> piece = data[..length];
            bool isData = piece.Span.ContainsAnyExcept((byte)0);
            byte[] record = RbdDiffFormat.Record(new ImageChange(offsetBytes, length, isData));
            await PutAsync(record, isData ? piece : default, cancellationToken);
            offsetBytes += length;
            data = data[length..];
        }
    }

    /// <summary>Makes a run of the image read as zeros.</summary>
    public ValueTask DiscardAsync(Extent extent, CancellationToken cancellationToken) => PutAsync(
        RbdDiffFormat.Record(new ImageChange(extent.OffsetBytes, extent.LengthBytes, IsData: false)), default, cancellationToken);

    /// <summary>Returns when everything is in the cluster.</summary>
    /// <exception cref="CephException">It is not.</exception>
    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        await PutAsync(new[] { RbdDiffFormat.End }, default, cancellationToken);
        ProgramResult result = await EndAsync(cancellationToken);
        if (!result.IsSuccess)
        {
            throw RbdFailure.Of(result, Purpose, location);
        }

        isCompleted = true;
    }

    public async ValueTask DisposeAsync()
    {
        if (!isCompleted)
        {
            // A client that is killed counts as one that uses the image for another half minute, in which it could not be
            // removed; one whose input ends too soon leaves in order.
            using CancellationTokenSource limit = new(EndLimit);
            try
            {
                _ = await EndAsync(limit.Token);
            }
            catch (Exception failure) when (failure is OperationCanceledException or CephException)
            {
                // Then it is killed below; that the image is only half of one is what its maker knows.
            }
        }

        await program.DisposeAsync();
        turn.Dispose();
    }

    private string Purpose => $"Writing {location}";

    private async ValueTask PutAsync(
        ReadOnlyMemory<byte> record, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken);
        try
        {
            ObjectDisposedException.ThrowIf(isCompleted, this);
            if (isBroken)
            {
                throw new CephException($"{Purpose} has failed before.");
            }

            program.StandardInput.Write(record.Span);
            program.StandardInput.Write(data.Span);
        }
        catch (IOException failure)
        {
            isBroken = true;
            ProgramResult result = await EndAsync(cancellationToken);
            throw result.IsSuccess
                ? new CephException($"{Purpose} failed: rbd took no more of it: {failure.Message}", ExitCode.Failed, failure)
                : RbdFailure.Of(result, Purpose, location);
        }
        catch (ShellException failure)
        {
            isBroken = true;
            throw RbdFailure.Late(failure, call, Purpose, location);
        }
        finally
        {
            turn.Release();
        }
    }

    private async Task<ProgramResult> EndAsync(CancellationToken cancellationToken)
    {
        try
        {
            await program.StandardInput.DisposeAsync();
            return await program.WaitAsync(cancellationToken);
        }
        catch (ShellException failure)
        {
            throw RbdFailure.Late(failure, call, Purpose, location);
        }
    }
}
