using KvmBackup.Disks;
using KvmBackup.Journaling;
using Serilog;

namespace KvmBackup.Runs.Restore;

/// <summary>Records the unfinished files of restores, and removes those of killed restores.</summary>
public sealed class RestoreRecords(RestoreJournal journal, TimeProvider time, ILogger log)
{
    /// <summary>Removes the unfinished files and scratch folders of killed restores.</summary>
    /// <param name="folderPath">A folder to search besides the usual ones; null for none.</param>
    /// <returns>What was done, for people.</returns>
    public async Task<IReadOnlyList<string>> RemoveLeftAsync(string? folderPath = null)
    {
        string[] parents = folderPath is null ? [.. ScratchFolder.UsualParents]
            : [.. ScratchFolder.UsualParents, folderPath];
        try
        {
            // An unpacked disk lies beside the file that it is for, which the journal forgets with the file.
            parents = [.. parents, .. journal.LeftoverFolders()];
            return
            [
                .. await ScratchFolder.RemoveAbandonedAsync([.. parents.Distinct()], time),
                .. journal.RemoveLeftovers(),
            ];
        }
        catch (JournalingException failure)
        {
            // A restore must go on without it, on a rescue host for instance.
            log.Warning("What interrupted restores have left was not removed: {Message}", failure.Message);
            return await ScratchFolder.RemoveAbandonedAsync([.. parents.Distinct()], time);
        }
    }

    /// <summary>Opens the record of what is going to be written now.</summary>
    /// <returns>Null when it cannot be written, which is a warning: the restore goes on.</returns>
    public OpenRestore? Open(DomainName domain, BackupId id)
    {
        try
        {
            return journal.Open($"{domain}@{id}");
        }
        catch (JournalingException failure)
        {
            log.Warning(
                "{Domain}: this restore is not recorded; if it is killed, its {Ending} files stay: {Message}",
                domain, OpenRestore.TemporaryExtension, failure.Message);
            return null;
        }
    }
}
