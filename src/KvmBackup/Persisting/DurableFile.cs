using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Persisting;

/// <summary>
/// Writes small files and directory entries durably: after a power cut they exist complete or not at all. Only the
/// owner may
/// read them, whatever the umask.
/// </summary>
/// <remarks>Failures are the I/O exceptions of .NET; the calling module adds their meaning.</remarks>
public static class DurableFile
{
    public const UnixFileMode FileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    public const UnixFileMode DirectoryMode = FileMode | UnixFileMode.UserExecute;

    /// <summary>The extension of a file that is being written; a leftover has no meaning.</summary>
    public const string TemporaryExtension = ".tmp";

    /// <summary>Writes and flushes a file that must not exist yet. The directory is not flushed.</summary>
    public static void CreateNew(string filePath, ReadOnlySpan<byte> content) =>
        Write(filePath, content, System.IO.FileMode.CreateNew);

    /// <summary>Replaces or creates a file in one step: readers see the old or the new content.</summary>
    public static void Replace(string filePath, ReadOnlySpan<byte> content)
    {
        string temporary = filePath + TemporaryExtension;
        Write(temporary, content, System.IO.FileMode.Create);
        File.Move(temporary, filePath, overwrite: true);
        FlushDirectoryOf(filePath);
    }

    /// <summary>Removes a file durably.</summary>
    public static void Delete(string filePath)
    {
        File.Delete(filePath);
        FlushDirectoryOf(filePath);
    }

    /// <summary>Creates one directory for the owner alone, durably.</summary>
    /// <returns>False when an entry of that name exists.</returns>
    public static bool TryMakeDirectory(string directoryPath)
    {
        if (!KernelCalls.TryMakeDirectory(directoryPath))
        {
            return false;
        }

        RestrictDirectory(directoryPath);
        FlushDirectoryOf(directoryPath);
        return true;
    }

    /// <summary>Checks that files can be created in a directory, without creating one.</summary>
    /// <exception cref="IOException">No permission, or the file system is mounted read-only.</exception>
    public static void DemandWritable(string directoryPath) => KernelCalls.DemandWritable(directoryPath);

    /// <summary>Flushes the entries of a directory: creations, renames and removals.</summary>
    public static void FlushDirectory(string directoryPath)
    {
        using SafeFileHandle directory = KernelCalls.OpenToRead(directoryPath);
        KernelCalls.Flush(directory, directoryPath);
    }

    public static void Flush(SafeFileHandle handle, string filePath) => KernelCalls.Flush(handle, filePath);

    /// <summary>Restricts a file to its owner. The mode is changed only when it differs: some file systems refuse any
    /// change.</summary>
    public static void Restrict(SafeFileHandle file) => Restrict(file, FileMode);

    /// <inheritdoc cref="Restrict(SafeFileHandle)"/>
    internal static void RestrictDirectory(SafeFileHandle directory) => Restrict(directory, DirectoryMode);

    private static void Restrict(SafeFileHandle handle, UnixFileMode mode)
    {
        if (File.GetUnixFileMode(handle) != mode)
        {
            File.SetUnixFileMode(handle, mode);
        }
    }

    private static void RestrictDirectory(string directoryPath)
    {
        using SafeFileHandle parent = FolderCalls.OpenRoot(Path.GetDirectoryName(Path.GetFullPath(directoryPath))!);
        using SafeFileHandle directory = FolderCalls.OpenFolder(
            parent, FolderCalls.Bytes(Path.GetFileName(directoryPath)), directoryPath);
        RestrictDirectory(directory);
    }

    private static void Write(string filePath, ReadOnlySpan<byte> content, FileMode mode)
    {
        FileStreamOptions options = new()
        {
            Mode = mode,
            Access = FileAccess.Write,
            UnixCreateMode = FileMode,
            BufferSize = 0,
        };
        using FileStream stream = new(filePath, options);
        stream.Write(content);
        Restrict(stream.SafeFileHandle);
        KernelCalls.Flush(stream.SafeFileHandle, filePath);
    }

    private static void FlushDirectoryOf(string path) =>
        FlushDirectory(Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/");
}
