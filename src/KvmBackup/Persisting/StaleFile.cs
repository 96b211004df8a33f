namespace KvmBackup.Persisting;

/// <summary>Removes a file that a dead process has left, when it is still that file.</summary>
public static class StaleFile
{
    /// <param name="path">Where it was made.</param>
    /// <param name="identity">Which file; null when its maker died before it wrote that down, and so before it wrote to it.</param>
    /// <returns>False when something else is there, or nothing.</returns>
    public static bool TryRemove(string path, FileIdentity? identity)
    {
        bool isIt = FolderCalls.Find(path) is { IsRegular: true } found
            && (identity is null ? found.SizeBytes == 0 && found.Owner == FolderCalls.EffectiveUser() : found.Identity == identity);
        if (isIt)
        {
            DurableFile.Delete(path);
        }

        return isIt;
    }
}
