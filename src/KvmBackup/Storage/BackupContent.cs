using KvmBackup.Persisting;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Storage;

/// <summary>Opens the files of a backup for reading: regular files only, links are not followed.</summary>
public static class BackupContent
{
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read the file.</exception>
    public static SafeFileHandle Open(string directoryPath, string fileName) =>
        TargetFile.OpenToRead(Path.Combine(directoryPath, fileName));

    /// <inheritdoc cref="Open"/>
    public static Stream OpenStream(string directoryPath, string fileName) =>
        TargetFile.OpenStream(Path.Combine(directoryPath, fileName));
}
