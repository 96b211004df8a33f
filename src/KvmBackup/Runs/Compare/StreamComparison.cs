using KvmBackup.Archiving.Primitives;
using KvmBackup.Runs.Archives;

namespace KvmBackup.Runs.Compare;

/// <summary>
/// Reads a source and its content in an archive in one pass, at the same time and one piece ahead. Holes of both are
/// not read.
/// </summary>
/// <param name="source">Is read once, in ascending order, to its end.</param>
/// <param name="archived">Its read is abandoned when it does not end: a guest may be waiting while the target
/// hangs.</param>
public sealed class StreamComparison(IExtentSource source, IExtentSource archived)
{
    private const int PieceBytes = 1 << 20;

    /// <summary>The data extents of both, ascending.</summary>
    public static IReadOnlyList<Extent> DataOf(IExtentSource one, IExtentSource other) =>
        ExtentList.Join(one.Extents.Concat(other.Extents));

    /// <param name="bytesRead">Gets the number of bytes read of each since the start.</param>
    /// <param name="cancellationToken">Cancels promptly.</param>
    public async Task<Differences> CompareAsync(IProgress<long>? bytesRead, CancellationToken cancellationToken)
    {
        Differences found = new();
        Buffers current = new();
        Buffers ahead = new();
        Task reading = Task.CompletedTask;
        long done = 0;
        try
        {
            foreach (Extent piece in BufferSlices.Of(DataOf(source, archived), PieceBytes))
            {
                await reading;
                reading = ReadAsync(piece, ahead, cancellationToken);
                current.AddTo(found);
                bytesRead?.Report(done += current.Piece.LengthBytes);
                (current, ahead) = (ahead, current);
            }

            await reading;
            current.AddTo(found);
            bytesRead?.Report(done + current.Piece.LengthBytes);
        }
        finally
        {
            // The source is closed after this, so its read must have ended.
            await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return found;
    }

    private async Task ReadAsync(Extent piece, Buffers buffers, CancellationToken cancellationToken)
    {
        buffers.Piece = piece;
        Task archive = Task.Run(
            () => ReadAsync(archived, piece, buffers.Archived, cancellationToken), CancellationToken.None);
        try
        {
            await ReadAsync(source, piece, buffers.Source, cancellationToken);
        }
        finally
        {
            await archive.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await archive.WaitAsync(cancellationToken);
    }

    /// <summary>Bytes beyond the end count as zeros.</summary>
    private static async Task ReadAsync(
        IExtentSource from, Extent piece, byte[] buffer, CancellationToken cancellationToken)
    {
        int there = (int)Math.Clamp(from.SizeBytes - piece.OffsetBytes, 0, piece.LengthBytes);
        buffer.AsSpan(there).Clear();
        if (there > 0)
        {
            await from.ReadAsync(piece.OffsetBytes, buffer.AsMemory(0, there), cancellationToken);
        }
    }

    private sealed class Buffers
    {
        public Extent Piece { get; set; }

        public byte[] Source { get; } = new byte[PieceBytes];

        public byte[] Archived { get; } = new byte[PieceBytes];

        public void AddTo(Differences found)
        {
            int length = (int)Piece.LengthBytes;
            found.Add(Piece.OffsetBytes, Source.AsSpan(0, length), Archived.AsSpan(0, length));
        }
    }
}
