using KvmBackup.Persisting;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Disks;

/// <summary>
/// A file that a restore writes: under another name until it is whole, so that nobody takes half a disk for one, and an
/// existing file stays what it is until the last moment. Leaving the scope before the commit removes it.
/// </summary>
public sealed class RestoredFile : IRestoredDisk
{
    /// <summary>What file systems allocate at once: a run of zeros that is left out is a hole.</summary>
    private const int BlockBytes = 4096;

    private readonly SafeFileHandle handle;
    private bool isCommitted;

    private RestoredFile(string filePath, string partialPath, SafeFileHandle handle)
    {
        FilePath = filePath;
        WorkingPath = partialPath;
        this.handle = handle;
    }

    /// <summary>Where it lies after the commit.</summary>
    public string FilePath { get; }

    /// <summary>Where it lies until then.</summary>
    public string WorkingPath { get; }

    /// <summary>Creates the file with its full size, all of it a hole, and mode 0600.</summary>
    /// <exception cref="DisksException">It cannot be created.</exception>
    /// <param name="filePath">Its name after the commit.</param>
    /// <param name="sizeBytes">Of all of it.</param>
    /// <param name="record">Is told of it before and after it is made; null in a folder that goes as a whole.</param>
    public static RestoredFile Create(string filePath, long sizeBytes, IRestoreRecord? record)
    {
        string partialPath = $"{filePath}.kvmbackup-partial";
        try
        {
            FileStreamOptions options = new()
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            };
            Directory.CreateDirectory(Path.GetDirectoryName(filePath)!);
            Make(partialPath, options, record);
            return new RestoredFile(filePath, partialPath, OpenWithSize(partialPath, sizeBytes));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DisksException(
                $"Cannot create {partialPath}: {failure.Message}. If an interrupted restore left it, delete it.",
                ExitCode.Failed, failure);
        }
    }

    private static void Make(string partialPath, FileStreamOptions options, IRestoreRecord? record)
    {
        record?.Begin(partialPath);
        try
        {
            new FileStream(partialPath, options).Dispose();
        }
        catch
        {
            record?.Forget(partialPath);
            throw;
        }

        record?.RecordCreated(partialPath, LocalFile.Identify(partialPath));
    }

    private static SafeFileHandle OpenWithSize(string partialPath, long sizeBytes)
    {
        SafeFileHandle handle = File.OpenHandle(partialPath, FileMode.Open, FileAccess.Write);
        try
        {
            RandomAccess.SetLength(handle, sizeBytes);
            return handle;
        }
        catch (Exception failure) when (failure is IOException or ArgumentOutOfRangeException)
        {
            // Larger than the file system can: nothing stays behind, since a second attempt would stumble over it.
            handle.Dispose();
            File.Delete(partialPath);
            throw new IOException(failure.Message, failure);
        }
    }

    /// <summary>Writes what is not zeros; all else is a hole already. Each byte may come once only.</summary>
    /// <exception cref="DisksException">The disk refuses.</exception>
    public async ValueTask WriteAsync(long offsetBytes, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        foreach (DataRun run in DataRun.Within(offsetBytes, data, BlockBytes).Where(run => run.IsData))
        {
            await DiskWrite.WriteAsync(handle, WorkingPath, run.OffsetBytes, run.Content, cancellationToken);
        }
    }

    /// <summary>Flushes the file and gives it its name, and returns when the name is on disk too.</summary>
    /// <param name="replace">An existing file of that name may go; without it, that is an error.</param>
    public void Commit(bool replace)
    {
        try
        {
            RandomAccess.FlushToDisk(handle);
            handle.Dispose();
            File.Move(WorkingPath, FilePath, replace);
            isCommitted = true;
            DurableFile.FlushDirectory(Path.GetDirectoryName(FilePath)!);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DisksException($"Cannot finish {FilePath}: {failure.Message}", ExitCode.Failed, failure);
        }
    }

    public ValueTask DisposeAsync()
    {
        handle.Dispose();
        if (!isCommitted)
        {
            File.Delete(WorkingPath);
        }

        return ValueTask.CompletedTask;
    }
}
