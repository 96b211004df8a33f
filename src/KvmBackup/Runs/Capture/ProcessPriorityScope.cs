using KvmBackup.Runs.Transfer;
using Serilog;

namespace KvmBackup.Runs.Capture;

/// <summary>
/// Steps behind everybody else on the host while disks are read and packed, and back before a guest waits for anything: what
/// is started to freeze, thaw, snapshot or commit never runs so.
/// </summary>
/// <param name="lower">Lowers this process, with all that it starts meanwhile, until the scope ends.</param>
/// <param name="log">Told once when it cannot be done.</param>
public sealed class ProcessPriorityScope(Func<ResourceLimits, IDisposable> lower, ILogger log)
{
    private bool isReported;

    /// <summary>Begins to ask for less, as far as is wanted and can be undone again; null otherwise.</summary>
    public IDisposable? Begin(ResourceLimits limits)
    {
        if (!limits.IsLowered)
        {
            return null;
        }

        try
        {
            return lower(limits);
        }
        catch (KvmBackupException failure)
        {
            if (!isReported)
            {
                log.Warning("This run goes on as it was started, without limits: {{nice, ionice}}: {Message}", failure.Message);
                isReported = true;
            }

            return null;
        }
    }

    /// <summary>The same, for each disk from when it is pinned until it is read; it is released as it was pinned.</summary>
    public IDiskConsumer Of(IDiskConsumer taker, ResourceLimits limits) => new Taker(this, taker, limits);

    private sealed class Taker(ProcessPriorityScope priority, IDiskConsumer taker, ResourceLimits limits) : IDiskConsumer
    {
        public async Task TakeAsync(BackupDisk disk, TransferMonitor monitor, CancellationToken cancellationToken)
        {
            using IDisposable? lowered = priority.Begin(limits);
            await taker.TakeAsync(disk, monitor, cancellationToken);
        }
    }
}
