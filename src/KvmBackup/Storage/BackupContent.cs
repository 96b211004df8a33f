using KvmBackup.Persisting;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Storage;

/// <summary>Opens the files of a backup to read them: no links, regular files only.</summary>
public static class BackupContent
{
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read it.</exception>
    public static SafeFileHandle Open(string directoryPath, string fileName) =>
        TargetFile.OpenToRead(Path.Combine(directoryPath, fileName));

    /// <inheritdoc cref="Open"/>
    public static Stream OpenStream(string directoryPath, string fileName) =>
        TargetFile.OpenStream(Path.Combine(directoryPath, fileName));
}
