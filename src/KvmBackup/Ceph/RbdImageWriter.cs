using KvmBackup.Shell;

namespace KvmBackup.Ceph;

/// <summary>
/// Writes into an RBD image, in any order and from several threads, by one <c>rbd import-diff</c> with several requests
/// in flight. Zeros are not written. Without <see cref="CompleteAsync"/> the image is incomplete, and its creator must
/// remove it. One writer for each link of a chain.
/// </summary>
public sealed class RbdImageWriter : IExtentSink, IAsyncDisposable
{
    /// <summary>The default size of an object: zeros of that size need no object.</summary>
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

    /// <summary>Opens an image for writing, and resizes it if necessary.</summary>
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

    /// <summary>Zeroes a range of the image.</summary>
    public ValueTask DiscardAsync(Extent extent, CancellationToken cancellationToken) => PutAsync(
        RbdDiffFormat.Record(new ImageChange(extent.OffsetBytes, extent.LengthBytes, IsData: false)), default,
        cancellationToken);

    /// <summary>Returns when all data are in the cluster.</summary>
    /// <exception cref="CephException">The write failed.</exception>
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
            // A killed client counts as a user of the image for another half minute, in which the image cannot be
            // removed; a client whose input ends early exits normally.
            using CancellationTokenSource limit = new(EndLimit);
            try
            {
                _ = await EndAsync(limit.Token);
            }
            catch (Exception failure) when (failure is OperationCanceledException or CephException)
            {
                // It is killed below. The creator of the image removes it, because CompleteAsync was not called.
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
                throw new CephException($"{Purpose} has already failed.");
            }

            program.StandardInput.Write(record.Span);
            program.StandardInput.Write(data.Span);
        }
        catch (IOException failure)
        {
            isBroken = true;
            ProgramResult result = await EndAsync(cancellationToken);
            throw result.IsSuccess
                ? new CephException(
                    $"{Purpose} failed: rbd stopped reading its input: {failure.Message}", ExitCode.Failed, failure)
                : RbdFailure.Of(result, Purpose, location);
        }
        catch (ShellException failure)
        {
            isBroken = true;
            throw RbdFailure.TimedOut(failure, call, Purpose, location);
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
            throw RbdFailure.TimedOut(failure, call, Purpose, location);
        }
    }
}
