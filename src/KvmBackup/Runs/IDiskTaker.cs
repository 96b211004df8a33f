using KvmBackup.Model;

namespace KvmBackup.Runs;

/// <summary>What becomes of each disk while it is held at one instant: it goes into an archive, or is compared with one.</summary>
public interface IDiskTaker
{
    /// <summary>Reads one disk, once it is pinned; it may be released as soon as this returns.</summary>
    /// <param name="disk">Which.</param>
    /// <param name="tally">Told the bytes that are read.</param>
    /// <param name="cancellationToken">Stops promptly: a guest may be waiting on its overlay.</param>
    /// <exception cref="KvmBackupException">It cannot be read.</exception>
    Task TakeAsync(TakenDisk disk, Tally tally, CancellationToken cancellationToken);
}
