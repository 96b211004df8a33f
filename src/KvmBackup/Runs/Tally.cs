using KvmBackup.Model;

namespace KvmBackup.Runs;

/// <summary>Adds up the bytes of one file after another into the progress of a whole job.</summary>
public sealed class Tally(DomainName domain, long totalBytes, IProgress<TransferProgress>? progress)
{
    private long finishedBytes;
    private long currentBytes;

    /// <summary>Begins the next file.</summary>
    /// <returns>Takes the bytes of this file up to now.</returns>
    public IProgress<long> Begin(string step)
    {
        finishedBytes += currentBytes;
        currentBytes = 0;
        return new Step(this, step);
    }

    private void Report(string step, long bytes)
    {
        currentBytes = bytes;
        progress?.Report(new TransferProgress(domain, step, finishedBytes + bytes, Math.Max(totalBytes, finishedBytes + bytes)));
    }

    private sealed class Step(Tally tally, string name) : IProgress<long>
    {
        public void Report(long value) => tally.Report(name, value);
    }
}
