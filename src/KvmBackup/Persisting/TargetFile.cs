using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Persisting;

/// <summary>Opens a single file of a backup or a domain's folder, with the checks of
/// <see cref="TargetFolder"/>.</summary>
public static class TargetFile
{
    /// <summary>Opens a file in the folder of a backup.</summary>
    public static SafeFileHandle OpenToRead(string filePath)
    {
        using TargetFolder folder = TargetFolder.OpenBackup(Path.GetDirectoryName(filePath)!);
        return folder.OpenToRead(Path.GetFileName(filePath));
    }

    /// <inheritdoc cref="OpenToRead"/>
    public static Stream OpenStream(string filePath) => new FileStream(OpenToRead(filePath), FileAccess.Read);

    /// <summary>Reads a file in the folder of a backup.</summary>
    /// <param name="filePath">The file.</param>
    /// <param name="largestBytes">A larger file is not read.</param>
    /// <returns>Its content, or null when it is larger; and its size.</returns>
    public static (byte[]? Content, long SizeBytes) Read(string filePath, long largestBytes)
    {
        using SafeFileHandle handle = OpenToRead(filePath);
        return Read(handle, largestBytes);
    }

    /// <summary>Reads a file in a trusted folder: the backup directory itself or the state directory.</summary>
    /// <inheritdoc cref="Read(string, long)"/>
    /// <exception cref="FileNotFoundException">It does not exist.</exception>
    public static (byte[]? Content, long SizeBytes) ReadTrusted(string filePath, long largestBytes)
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

    /// <summary>Opens or creates a file in a trusted folder, for example of this host, without truncating it.</summary>
    internal static SafeFileHandle OpenOrCreate(string filePath)
    {
        using TargetFolder folder = TargetFolder.OpenTrusted(Path.GetDirectoryName(filePath)!);
        return folder.OpenOrCreate(Path.GetFileName(filePath));
    }

    /// <summary>Opens or creates a file in the folder of a domain, without truncating it.</summary>
    public static SafeFileHandle OpenOrCreateInDomain(string filePath)
    {
        using TargetFolder folder = TargetFolder.OpenDomain(Path.GetDirectoryName(filePath)!);
        return folder.OpenOrCreate(Path.GetFileName(filePath));
    }
}
