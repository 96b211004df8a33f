using KvmBackup.Hypervisor;

namespace KvmBackup.Runs.Guests;

/// <summary>
/// Makes sure that a domain which was shut off when its disks were begun was so to the end, and that nothing wrote to them.
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
        before = Look();
    }

    /// <exception cref="RunsException">The copy is not of one instant.</exception>
    public async Task EnsureUntouchedAsync(CancellationToken cancellationToken)
    {
        DomainState state = await host.StateAsync(job.Facts.Identity, cancellationToken);
        if (state != DomainState.ShutOff || !before.SequenceEqual(Look()))
        {
            throw new RunsException(
                "it was shut off at the beginning, but was started or changed while its disks were read, so what was read is "
                + "of no single instant; run this again");
        }
    }

    private (string Path, DateTime WrittenAt, long Length)[] Look() => Look(job.Disks);

    internal static (string Path, DateTime WrittenAt, long Length)[] Look(IEnumerable<BackupDisk> disks) =>
        [.. disks.SelectMany(disk => disk.Layers)
            .Where(layer => !layer.IsBlockDevice)
            .Select(layer => new FileInfo(layer.FilePath))
            .Select(file => (file.FullName, file.LastWriteTimeUtc, file.Length))];
}
