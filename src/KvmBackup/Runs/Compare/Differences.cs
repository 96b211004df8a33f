namespace KvmBackup.Runs.Compare;

/// <summary>Collects where two contents differ: how much, where first, and the first runs.</summary>
public sealed class Differences
{
    /// <summary>The number of runs that a report lists.</summary>
    private const int MostRuns = 20;
    private const int BlockBytes = FileComparison.DifferenceBlockBytes;

    private readonly List<Extent> runs = [];
    private long lastEndBytes = -1;

    /// <summary>In complete blocks.</summary>
    public long Bytes { get; private set; }

    /// <summary>The first byte; null for none.</summary>
    public long? FirstByte { get; private set; }

    /// <summary>The number of runs.</summary>
    public long Count { get; private set; }

    /// <summary>The first runs.</summary>
    public IReadOnlyList<Extent> Runs => runs;

    /// <summary>Compares the next piece of both; ascending, of the same length.</summary>
    public void Add(long offsetBytes, ReadOnlySpan<byte> one, ReadOnlySpan<byte> other)
    {
        if (one.SequenceEqual(other))
        {
            return;
        }

        FirstByte ??= offsetBytes + one.CommonPrefixLength(other);
        while (!one.IsEmpty)
        {
            int length = (int)Math.Min(BlockBytes - (offsetBytes % BlockBytes), one.Length);
            if (!one[..length].SequenceEqual(other[..length]))
            {
                AddRun(new Extent(offsetBytes, length));
            }

            offsetBytes += length;
            one = one[length..];
            other = other[length..];
        }
    }

    private void AddRun(Extent run)
    {
        Bytes += run.LengthBytes;
        bool goesOn = run.OffsetBytes == lastEndBytes;
        lastEndBytes = run.EndBytes;
        if (!goesOn)
        {
            Count++;
        }

        if (goesOn && Count <= MostRuns)
        {
            runs[^1] = runs[^1] with { LengthBytes = runs[^1].LengthBytes + run.LengthBytes };
        }
        else if (Count <= MostRuns)
        {
            runs.Add(run);
        }
    }
}
