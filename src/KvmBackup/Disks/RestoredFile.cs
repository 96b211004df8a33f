using KvmBackup.Persisting;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Disks;

/// <summary>
/// A file that a restore writes: under a temporary name until it is complete, so that an incomplete disk is never used,
/// and an existing file stays until the commit. A dispose before the commit removes it.
/// </summary>
public sealed class RestoredFile : IRestoredDisk
{
    /// <summary>The usual block of a file system: shorter runs of zeros make no hole.</summary>
    private const int BlockBytes = 4096;

    private readonly SafeFileHandle handle;
    private bool isCommitted;

    private RestoredFile(string filePath, string partialPath, SafeFileHandle handle)
    {
        FilePath = filePath;
        WorkingPath = partialPath;
        this.handle = handle;
    }

    /// <summary>The path after the commit.</summary>
    public string FilePath { get; }

    /// <summary>The path until the commit.</summary>
    public string WorkingPath { get; }

    /// <summary>Creates the file with its full size as one hole, and mode 0600.</summary>
    /// <exception cref="DisksException">It cannot be created.</exception>
    /// <param name="filePath">The path after the commit.</param>
    /// <param name="sizeBytes">The size of the disk.</param>
    /// <param name="record">Records the file before and after its creation; null in a folder that is removed with its
    /// content.</param>
    public static RestoredFile Create(string filePath, long sizeBytes, IRestoreRecord? record)
    {
        string partialPath = filePath + TemporaryName.PartialExtension;
        try
        {
            FileStreamOptions options = new()
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            };
            Directory.CreateDirectory(Path.GetDirectoryName(filePath)!);
            CreatePartial(partialPath, options, record);
            return new RestoredFile(filePath, partialPath, OpenWithSize(partialPath, sizeBytes));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DisksException(
                $"Cannot create {partialPath}: {failure.Message}. If an interrupted restore left it, delete it.",
                ExitCode.Failed, failure);
        }
    }

    private static void CreatePartial(string partialPath, FileStreamOptions options, IRestoreRecord? record)
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
            // The file system does not support this size. A file left here would make a second attempt fail.
            handle.Dispose();
            File.Delete(partialPath);
            throw new IOException(failure.Message, failure);
        }
    }

    /// <summary>Writes the data; zeros stay holes. Each byte may be written only once.</summary>
    /// <exception cref="DisksException">The write failed.</exception>
    public async ValueTask WriteAsync(long offsetBytes, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        foreach (DataRun run in DataRun.Within(offsetBytes, data, BlockBytes).Where(run => run.IsData))
        {
            await DiskWrite.WriteAsync(handle, WorkingPath, run.OffsetBytes, run.Content, cancellationToken);
        }
    }

    /// <summary>Flushes the file and renames it, and returns when the name is on disk, too.</summary>
    /// <param name="replace">An existing file of that name may be replaced; otherwise it is an error.</param>
    public void Commit(bool replace) => CommitAs(FilePath, replace);

    /// <summary>Flushes the file and gives it another name than <see cref="FilePath"/>, in the same folder.</summary>
    /// <inheritdoc cref="Commit"/>
    /// <param name="filePath">The path after the commit.</param>
    public void CommitAs(string filePath, bool replace)
    {
        try
        {
            RandomAccess.FlushToDisk(handle);
            handle.Dispose();
            File.Move(WorkingPath, filePath, replace);
            isCommitted = true;
            DurableFile.FlushDirectory(Path.GetDirectoryName(filePath)!);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DisksException($"Cannot complete {filePath}: {failure.Message}", ExitCode.Failed, failure);
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
