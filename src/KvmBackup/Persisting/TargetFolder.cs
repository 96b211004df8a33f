using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Persisting;

/// <summary>
/// An open folder of the backup directory, and the only access to its content. Links are not followed, only regular
/// files
/// are opened, and all access is relative to the open folder, so exchanging a folder above it has no effect.
/// </summary>
/// <remarks>Failures are the I/O exceptions of .NET, and <see cref="RefusedPathException"/>.</remarks>
public sealed class TargetFolder : IDisposable
{
    /// <summary>No file of ours is deeper than this below a backup's folder.</summary>
    private const int DeepestLevel = 32;

    private readonly SafeFileHandle handle;

    private TargetFolder(SafeFileHandle handle, string path)
    {
        this.handle = handle;
        FolderPath = path;
    }

    public string FolderPath { get; }

    /// <summary>Opens the folder of a domain, which must not be a link and must be writable by this user or root
    /// only.</summary>
    /// <param name="path">Its parent is the backup directory, which may be a link.</param>
    public static TargetFolder OpenDomain(string path)
    {
        using SafeFileHandle root = FolderCalls.OpenRoot(Path.GetDirectoryName(path)!);
        SafeFileHandle folder = FolderCalls.OpenFolder(root, FolderCalls.Bytes(Path.GetFileName(path)), path);
        try
        {
            FolderOwner.Demand(folder, path);
            return new TargetFolder(folder, path);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Opens the folder of a backup, through its domain's folder.</summary>
    public static TargetFolder OpenBackup(string path)
    {
        using TargetFolder domain = OpenDomain(Path.GetDirectoryName(path)!);
        return new TargetFolder(
            FolderCalls.OpenFolder(domain.handle, FolderCalls.Bytes(Path.GetFileName(path)), path), path);
    }

    /// <summary>Opens a folder of this host, following links.</summary>
    internal static TargetFolder OpenTrusted(string path) => new(FolderCalls.OpenRoot(path), path);

    /// <summary>Lists the backup directory itself, which may be a link.</summary>
    /// <returns>Folders and links, unordered.</returns>
    public static IReadOnlyList<TargetName> ListRoot(string path)
    {
        using SafeFileHandle root = FolderCalls.OpenRoot(path);
        return [.. List(root, path).Where(name => name.Status is { IsFolder: true } or { IsLink: true })];
    }

    /// <summary>Lists all entries.</summary>
    public IReadOnlyList<TargetName> List() => List(handle, FolderPath);

    /// <returns>The entry of that name, links not followed; null when there is none.</returns>
    public FileStatus? Find(string name) => FolderCalls.Find(handle, FolderCalls.Bytes(name), PathOf(name));

    public SafeFileHandle OpenToRead(string name) =>
        DemandRegular(FolderCalls.OpenToRead(handle, name, PathOf(name)), PathOf(name), isWritten: false);

    /// <summary>Opens an existing file for writing, without truncating it.</summary>
    public SafeFileHandle OpenToWrite(string name) =>
        DemandRegular(FolderCalls.OpenToWrite(handle, name, PathOf(name)), PathOf(name), isWritten: true);

    /// <summary>Opens or creates a file for reading and writing by its owner, without truncating it.</summary>
    public SafeFileHandle OpenOrCreate(string name) =>
        DemandRegular(FolderCalls.OpenOrCreate(handle, name, PathOf(name)), PathOf(name), isWritten: true);

    /// <summary>Creates a file that must not exist yet, for its owner alone.</summary>
    public SafeFileHandle CreateNew(string name)
    {
        SafeFileHandle file = FolderCalls.CreateNew(handle, name, PathOf(name));
        DurableFile.Restrict(file);
        return file;
    }

    /// <summary>Writes and flushes a file that must not exist yet. The folder is not flushed.</summary>
    public void WriteNew(string name, ReadOnlySpan<byte> content)
    {
        using SafeFileHandle file = CreateNew(name);
        RandomAccess.Write(file, content, fileOffset: 0);
        KernelCalls.Flush(file, PathOf(name));
    }

    /// <summary>Creates a folder for its owner alone.</summary>
    /// <returns>False when an entry of that name exists.</returns>
    public bool TryMakeFolder(string name)
    {
        if (!FolderCalls.TryMakeFolder(handle, name, PathOf(name)))
        {
            return false;
        }

        using SafeFileHandle created = FolderCalls.OpenFolder(handle, FolderCalls.Bytes(name), PathOf(name));
        DurableFile.RestrictDirectory(created);
        Flush();
        return true;
    }

    /// <summary>Renames an entry durably; the new name must not exist.</summary>
    public void Rename(string from, string to)
    {
        if (Find(to) is not null)
        {
            throw new IOException($"Cannot rename '{PathOf(from)}': '{to}' already exists");
        }

        FolderCalls.Rename(handle, from, to, PathOf(from));
        Flush();
    }

    /// <summary>Removes a file or a link, if it exists.</summary>
    public void Remove(string name) =>
        FolderCalls.Remove(handle, FolderCalls.Bytes(name), isFolder: false, PathOf(name));

    /// <summary>Removes a folder with its content, if it exists; links in it are removed, not followed.</summary>
    public void RemoveTree(string name) => RemoveTree(handle, FolderCalls.Bytes(name), PathOf(name), 0);

    /// <summary>Flushes the entries: creations, renames and removals.</summary>
    public void Flush() => KernelCalls.Flush(handle, FolderPath);

    public void Dispose() => handle.Dispose();

    private static void RemoveTree(SafeFileHandle parent, byte[] name, string path, int level)
    {
        if (FolderCalls.Find(parent, name, path) is not { } status)
        {
            return;
        }

        if (!status.IsFolder)
        {
            FolderCalls.Remove(parent, name, isFolder: false, path);
            return;
        }

        if (level > DeepestLevel)
        {
            throw new IOException($"'{path}' is not removed: it is deeper than {DeepestLevel} folders");
        }

        using (SafeFileHandle folder = FolderCalls.OpenFolder(parent, name, path))
        {
            foreach (byte[] entry in FolderCalls.List(folder, path))
            {
                RemoveTree(folder, entry, $"{path}/{TargetName.Format(entry)}", level + 1);
            }
        }

        FolderCalls.Remove(parent, name, isFolder: true, path);
    }

    private static List<TargetName> List(SafeFileHandle folder, string path) =>
        [.. from name in FolderCalls.List(folder, path)
            let status = FolderCalls.Find(folder, name, path)
            where status is not null
            select new TargetName(TargetName.Format(name), TargetName.IsText(name), status)];

    private static SafeFileHandle DemandRegular(SafeFileHandle file, string path, bool isWritten)
    {
        try
        {
            FileStatus status = FolderCalls.StatusOf(file, path);
            return !status.IsRegular ? throw new RefusedPathException($"'{path}' is not a regular file")
                : isWritten && status.Links > 1
                    ? throw new RefusedPathException(
                        $"'{path}' has {status.Links} names (hard links), and is not written")
                : file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private string PathOf(string name) => Path.Combine(FolderPath, name);
}

/// <summary>A name in a folder of the backup directory.</summary>
/// <param name="Text">The name as text, with bytes that are not UTF-8 as <c>\xE9</c>.</param>
/// <param name="IsExact">The name is UTF-8, so <paramref name="Text"/> opens it.</param>
/// <param name="Status">Status of the entry.</param>
public sealed record TargetName(string Text, bool IsExact, FileStatus Status)
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <param name="name">The name with its terminating zero.</param>
    internal static bool IsText(byte[] name) => System.Text.Unicode.Utf8.IsValid(name);

    internal static string Format(byte[] name) => IsText(name)
        ? Strict.GetString(name, 0, name.Length - 1)
        : string.Concat(name.SkipLast(1).Select(value => value is >= 0x20 and < 0x7F and not (byte)'\\'
            ? ((char)value).ToString() : string.Create(CultureInfo.InvariantCulture, $"\\x{value:X2}")));
}

/// <summary>An entry of the backup directory is not of a kind that this program creates; it was not opened.</summary>
public sealed class RefusedPathException(string message) : IOException(message);
