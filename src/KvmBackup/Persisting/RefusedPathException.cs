namespace KvmBackup.Persisting;

/// <summary>A path in the backup directory is not what this program would have made there; nothing was opened.</summary>
public sealed class RefusedPathException(string message) : IOException(message);
