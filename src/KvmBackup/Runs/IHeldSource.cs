using KvmBackup.Model;

namespace KvmBackup.Runs;

/// <summary>What is backed up or compared, held at one instant while it is read.</summary>
public interface IHeldSource
{
    /// <summary>False: something is left that only recovery or a person can mend, so the journal must not forget it.</summary>
    bool IsClean { get; }

    /// <summary>Asks what must be known before the pin, so that the rest of what is prepared need not wait for it. Changes
    /// nothing; what is not asked here is asked by <see cref="ReadAsync"/>.</summary>
    /// <exception cref="KvmBackupException">It must not be pinned.</exception>
    Task PrepareAsync(CancellationToken cancellationToken);

    /// <summary>Pins it, reads each disk once, and lets it go.</summary>
    /// <param name="taker">Gets each disk while it is held.</param>
    /// <param name="tally">How far the read is.</param>
    /// <param name="cancellationToken">Ends the read; the source is let go all the same.</param>
    /// <returns>What the copy is worth.</returns>
    /// <exception cref="KvmBackupException">It could not be held or read; it was let go all the same.</exception>
    Task<PinOutcome> ReadAsync(IDiskTaker taker, Tally tally, CancellationToken cancellationToken);

    /// <summary>What was done beyond the ordinary to let it go; known when all is over.</summary>
    IReadOnlyList<string> Notes { get; }

    /// <summary>What a person must mend, asked when all is over.</summary>
    Task<IReadOnlyList<string>> FindTroublesAsync();
}
