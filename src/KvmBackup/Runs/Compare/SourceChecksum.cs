using KvmBackup.Archiving.Checksums;
using KvmBackup.Runs.Archives;

namespace KvmBackup.Runs.Compare;

/// <summary>The content checksum of a source, which is read ahead and hashed on all cores. Holes are free.</summary>
public static class SourceChecksum
{
    private const int PieceBytes = 4 * ContentHash.BlockBytes;
    private const int PiecesAtOnce = 4;

    /// <param name="source">Is read once, in ascending order.</param>
    /// <param name="bytesRead">Gets the number of bytes read since the start.</param>
    /// <param name="cancellationToken">Cancels promptly.</param>
    public static async Task<string> ComputeAsync(
        IExtentSource source, IProgress<long>? bytesRead, CancellationToken cancellationToken)
    {
        using ContentHash hash = new(source.SizeBytes, source.Extents);
        byte[]?[] buffers = new byte[PiecesAtOnce][];
        Task[] digesting = [.. Enumerable.Repeat(Task.CompletedTask, PiecesAtOnce)];
        long done = 0;
        int slot = 0;
        try
        {
            foreach (Extent piece in BufferSlices.Of(source.Extents, PieceBytes))
            {
                await digesting[slot];
                Memory<byte> bytes = (buffers[slot] ??= new byte[PieceBytes]).AsMemory(0, (int)piece.LengthBytes);
                await source.ReadAsync(piece.OffsetBytes, bytes, cancellationToken);
                bytesRead?.Report(done += piece.LengthBytes);
                digesting[slot] = Task.Run(() => hash.Add(piece.OffsetBytes, bytes.Span), CancellationToken.None);
                slot = (slot + 1) % PiecesAtOnce;
            }
        }
        finally
        {
            await Task.WhenAll(digesting);
        }

        return hash.Finish();
    }
}
