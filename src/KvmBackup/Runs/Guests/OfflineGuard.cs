using KvmBackup.Hypervisor;

namespace KvmBackup.Runs.Guests;

/// <summary>
/// Verifies that a domain stayed shut off or asleep while its disks were read, and that nothing wrote to them.
/// </summary>
public sealed class OfflineGuard
{
    private readonly DomainJob job;
    private readonly LibvirtHost host;
    private readonly IReadOnlyList<(string Path, DateTime WrittenAt, long Length)> before;

    public OfflineGuard(DomainJob job, LibvirtHost host)
    {
        this.job = job;
        this.host = host;
        before = Measure();
    }

    /// <exception cref="RunsException">The copy is not consistent.</exception>
    public async Task EnsureUnchangedAsync(CancellationToken cancellationToken)
    {
        DomainState state = await host.StateAsync(job.Facts.Identity, cancellationToken);
        if (state != job.Facts.State || !before.SequenceEqual(Measure()))
        {
            throw new RunsException(
                $"the guest {Beginning} at the beginning, but was started or changed while its disks were read, so "
                    + "the copy is not consistent; run this again");
        }
    }

    private string Beginning => job.Facts.State switch
    {
        DomainState.ShutOff => "was shut off",
        DomainState.Suspended => "slept",
        _ => "had crashed",
    };

    private (string Path, DateTime WrittenAt, long Length)[] Measure() => Measure(job.Disks);

    internal static (string Path, DateTime WrittenAt, long Length)[] Measure(IEnumerable<BackupDisk> disks) =>
        [.. disks.SelectMany(disk => disk.Layers)
            .Where(layer => !layer.IsBlockDevice)
            .Select(layer => new FileInfo(layer.FilePath))
            .Select(file => (file.FullName, file.LastWriteTimeUtc, file.Length))];
}
