using KvmBackup.Runs.Transfer;
using Serilog;

namespace KvmBackup.Runs.Capture;

/// <summary>
/// Lowers the priority of this process while disks are read and compressed, and restores it before a guest waits: the
/// programs that freeze, thaw, snapshot or commit always run at normal priority.
/// </summary>
/// <param name="lower">Lowers this process, and the programs that it starts, until the scope ends.</param>
/// <param name="log">Gets one warning when the priority cannot be changed.</param>
public sealed class ProcessPriorityScope(Func<ResourceLimits, IDisposable> lower, ILogger log)
{
    private bool isReported;

    /// <summary>Lowers the priority as configured; null when it is not lowered or could not be restored.</summary>
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
                log.Warning(
                    "This run goes on as it was started, without limits: {{nice, ionice}}: {Message}", failure.Message);
                isReported = true;
            }

            return null;
        }
    }

    /// <summary>Lowers the priority during the read of each disk only; the release runs at normal priority.</summary>
    public IDiskConsumer Of(IDiskConsumer consumer, ResourceLimits limits) => new Lowered(this, consumer, limits);

    private sealed class Lowered(ProcessPriorityScope priority, IDiskConsumer consumer, ResourceLimits limits)
        : IDiskConsumer
    {
        public async Task ReadAsync(BackupDisk disk, TransferMonitor monitor, CancellationToken cancellationToken)
        {
            using IDisposable? lowered = priority.Begin(limits);
            await consumer.ReadAsync(disk, monitor, cancellationToken);
        }
    }
}
