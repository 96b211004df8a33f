using KvmBackup.Persisting;

namespace KvmBackup.Journaling;

/// <summary>The entry of a restore in progress. Disposal deletes it, unless unfinished files remain.</summary>
public sealed class OpenRestore : IRestoreRecord, IDisposable
{
    /// <summary>The ending of a file that a restore writes.</summary>
    public const string TemporaryExtension = TemporaryName.PartialExtension;

    private readonly string filePath;
    private readonly Func<RestoreEntry, byte[]> format;
    private RestoreEntry current;

    internal OpenRestore(string filePath, RestoreEntry entry, Func<RestoreEntry, byte[]> format)
    {
        this.filePath = filePath;
        this.format = format;
        current = entry;
    }

    /// <inheritdoc/>
    public void Begin(string path) => Write([.. current.Files, new RestoreEntryFile(path, null)]);

    /// <inheritdoc/>
    public void RecordCreated(string path, FileIdentity identity) => Write(
        [.. current.Files.Select(file => file.FilePath == path ? file with { Identity = identity } : file)]);

    /// <inheritdoc/>
    public void Forget(string path) => Write([.. current.Files.Where(file => file.FilePath != path)]);

    public void Dispose()
    {
        // A file that could not be removed stays recorded for the next attempt.
        if (current.Files.Any(file => Path.Exists(file.FilePath)))
        {
            return;
        }

        try
        {
            DurableFile.Delete(filePath);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // None of its files remain; the next restore deletes the entry.
        }
    }

    private void Write(IReadOnlyList<RestoreEntryFile> files)
    {
        RestoreEntry changed = current with { Files = files };
        JournalDisk.Guard(filePath, () => DurableFile.Replace(filePath, format(changed)));
        current = changed;
    }
}
