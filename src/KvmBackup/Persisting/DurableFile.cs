using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Persisting;

/// <summary>
/// Puts small files and directory entries on disk so that after a power cut they are there whole, or not at all; only
/// the owner may read them, whatever the umask.
/// </summary>
/// <remarks>Failures are the I/O exceptions of .NET; the room that calls adds what they mean.</remarks>
public static class DurableFile
{
    public const UnixFileMode FileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    public const UnixFileMode DirectoryMode = FileMode | UnixFileMode.UserExecute;

    /// <summary>The ending of a file that is being written; one that stays behind means nothing.</summary>
    public const string TemporaryExtension = ".tmp";

    /// <summary>Writes a file that must not be there yet, and flushes it. The directory is not flushed.</summary>
    public static void CreateNew(string filePath, ReadOnlySpan<byte> content) =>
        Write(filePath, content, System.IO.FileMode.CreateNew);

    /// <summary>Replaces a file, or makes it, in one step: readers see the old or the new one.</summary>
    public static void Replace(string filePath, ReadOnlySpan<byte> content)
    {
        string temporary = filePath + TemporaryExtension;
        Write(temporary, content, System.IO.FileMode.Create);
        File.Move(temporary, filePath, overwrite: true);
        FlushDirectoryOf(filePath);
    }

    /// <summary>Removes a file for good.</summary>
    public static void Delete(string filePath)
    {
        File.Delete(filePath);
        FlushDirectoryOf(filePath);
    }

    /// <summary>Makes one directory for the owner alone, and makes sure that it stays.</summary>
    /// <returns>False when something of that name is there already.</returns>
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

    /// <summary>Asks whether files can be made in a directory, and makes none.</summary>
    /// <exception cref="IOException">They cannot: no permission, or a file system that is mounted read-only.</exception>
    public static void DemandWritable(string directoryPath) => KernelCalls.DemandWritable(directoryPath);

    /// <summary>Flushes the entries of a directory: what was made, renamed and removed in it.</summary>
    public static void FlushDirectory(string directoryPath)
    {
        using SafeFileHandle directory = KernelCalls.OpenToRead(directoryPath);
        KernelCalls.Flush(directory, directoryPath);
    }

    public static void Flush(SafeFileHandle handle, string filePath) => KernelCalls.Flush(handle, filePath);

    /// <summary>Leaves a file to its owner alone; some file systems refuse even a change to the same.</summary>
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
        using SafeFileHandle made = FolderCalls.OpenFolder(
            parent, FolderCalls.Bytes(Path.GetFileName(directoryPath)), directoryPath);
        RestrictDirectory(made);
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
