namespace KvmBackup.Persisting;

/// <summary>Removes a leftover of a dead process, if it is still the same file.</summary>
public static class StaleFile
{
    /// <param name="path">The file.</param>
    /// <param name="identity">Its recorded identity; null when the process died before it recorded it, and so before
    /// it wrote
    /// any content.</param>
    /// <returns>False when another file or none is there.</returns>
    public static bool TryRemove(string path, FileIdentity? identity)
    {
        bool isSame = FolderCalls.Find(path) is { IsRegular: true } found
            && (identity is null
                ? found.SizeBytes == 0 && found.Owner == FolderCalls.EffectiveUser() : found.Identity == identity);
        if (isSame)
        {
            DurableFile.Delete(path);
        }

        return isSame;
    }
}
