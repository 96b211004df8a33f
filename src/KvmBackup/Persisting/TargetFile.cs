using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Persisting;

/// <summary>Opens a single file of a backup, or of a domain's folder, as <see cref="TargetFolder"/> does.</summary>
public static class TargetFile
{
    /// <summary>A file in the folder of a backup.</summary>
    public static SafeFileHandle OpenToRead(string filePath)
    {
        using TargetFolder folder = TargetFolder.BackupReader(Path.GetDirectoryName(filePath)!);
        return folder.OpenToRead(Path.GetFileName(filePath));
    }

    /// <inheritdoc cref="OpenToRead"/>
    public static Stream OpenStream(string filePath) => new FileStream(OpenToRead(filePath), FileAccess.Read);

    /// <summary>The whole of a file in the folder of a backup.</summary>
    /// <param name="filePath">Which.</param>
    /// <param name="largestBytes">A larger file is not read.</param>
    /// <returns>Its content, or null when it is larger; and its size.</returns>
    public static (byte[]? Content, long SizeBytes) Read(string filePath, long largestBytes)
    {
        using SafeFileHandle handle = OpenToRead(filePath);
        return Read(handle, largestBytes);
    }

    /// <summary>The whole of a file in a folder that need not be one of ours: the backup directory itself, or the state
    /// directory.</summary>
    /// <inheritdoc cref="Read(string, long)"/>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    public static (byte[]? Content, long SizeBytes) ReadBeside(string filePath, long largestBytes)
    {
        using TargetFolder folder = TargetFolder.OpenTrusted(Path.GetDirectoryName(filePath)!);
        using SafeFileHandle handle = folder.OpenToRead(Path.GetFileName(filePath));
        return Read(handle, largestBytes);
    }

    private static (byte[]? Content, long SizeBytes) Read(SafeFileHandle handle, long largestBytes)
    {
        using FileStream stream = new(handle, FileAccess.Read, bufferSize: 0);
        long size = stream.Length;
        if (size > largestBytes)
        {
            return (null, size);
        }

        byte[] content = new byte[size];
        stream.ReadExactly(content);
        return (content, size);
    }

    /// <summary>A file in a folder that only we change, of this host for instance; made when it is missing. It is not cut.</summary>
    internal static SafeFileHandle OpenOrCreate(string filePath)
    {
        using TargetFolder folder = TargetFolder.OpenTrusted(Path.GetDirectoryName(filePath)!);
        return folder.OpenOrCreate(Path.GetFileName(filePath));
    }

    /// <summary>A file in the folder of a domain, made when it is missing. It is not cut.</summary>
    public static SafeFileHandle OpenOrCreateInDomain(string filePath)
    {
        using TargetFolder folder = TargetFolder.OpenDomain(Path.GetDirectoryName(filePath)!);
        return folder.OpenOrCreate(Path.GetFileName(filePath));
    }
}
