using KvmBackup.Planning;

namespace KvmBackup.Runs;

/// <summary>What a restore found on this host.</summary>
/// <param name="Written">The files to write.</param>
/// <param name="Kept">The files that are there already, with the backup's content.</param>
/// <param name="Images">The images to write.</param>
/// <param name="DataBytes">Data to write.</param>
public sealed record RestoreFacts(
    IReadOnlyList<RestoreFile> Written, IReadOnlyList<RestoreFile> Kept, IReadOnlyList<PlacedImage> Images, long DataBytes)
{
    /// <summary>The domain that is there already and that the restore changes; null when there is none.</summary>
    public ReplacedDomain? Replaced { get; init; }
}
