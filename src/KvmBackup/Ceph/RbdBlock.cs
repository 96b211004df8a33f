using System.Buffers;

namespace KvmBackup.Ceph;

/// <summary>Up to 4 MiB of data that were read ahead, with the offset of each run. A run without bytes in the buffer is
/// zeros.</summary>
internal sealed class RbdBlock : IDisposable
{
    public const int Bytes = 4 << 20;

    // Each record is a run: the number of small runs is limited, too.
    private const int MostRuns = 1 << 14;
    private readonly byte[] buffer = ArrayPool<byte>.Shared.Rent(Bytes);
    private readonly List<Run> runs = [];
    private int used;
    private bool isReturned;

    /// <summary>A run of data or zeros.</summary>
    /// <param name="OffsetBytes">Its offset in the image.</param>
    /// <param name="LengthBytes">Its length.</param>
    /// <param name="Start">Its start in the buffer; negative for zeros.</param>
    public readonly record struct Run(long OffsetBytes, long LengthBytes, int Start);

    public IReadOnlyList<Run> Runs => runs;

    public bool IsFull => used == Bytes || runs.Count == MostRuns;

    public void AddZeros(long offsetBytes, long lengthBytes) => runs.Add(new Run(offsetBytes, lengthBytes, -1));

    /// <summary>Reserves a part of the buffer for the next data of a run.</summary>
    public Span<byte> Add(long offsetBytes, long lengthBytes)
    {
        int length = (int)Math.Min(lengthBytes, Bytes - used);
        runs.Add(new Run(offsetBytes, length, used));
        used += length;
        return buffer.AsSpan(used - length, length);
    }

    public void Copy(Run run, long skip, Span<byte> destination)
    {
        if (run.Start < 0)
        {
            destination.Clear();
        }
        else
        {
            buffer.AsSpan(run.Start + (int)skip, destination.Length).CopyTo(destination);
        }
    }

    public void Dispose()
    {
        if (!isReturned)
        {
            isReturned = true;
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
