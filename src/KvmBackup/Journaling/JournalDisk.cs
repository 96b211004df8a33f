namespace KvmBackup.Journaling;

/// <summary>Says of a failure of the disk below the journal what it is and what to do.</summary>
internal static class JournalDisk
{
    public static void Guard(string path, Action action) => _ = Guard(path, () =>
    {
        action();
        return true;
    });

    public static T Guard<T>(string path, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new JournalingException(
                $"The journal '{path}' cannot be read or written: {failure.Message.TrimEnd('.')}. Without it nothing is"
                + " changed on any guest: run as root, make room, or set another state directory.",
                innerException: failure);
        }
    }
}
