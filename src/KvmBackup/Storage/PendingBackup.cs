using KvmBackup.Persisting;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Storage;

/// <summary>
/// A backup that is being written, under the name of a partial backup. <see cref="PublishAsync"/> makes it a backup;
/// otherwise it is removed on disposal.
/// </summary>
public sealed class PendingBackup : IAsyncDisposable
{
    private readonly DomainName domain;
    private readonly BackupDirectoryName name;
    private readonly DomainLock held;
    private readonly Dictionary<string, (FileStream Stream, SafeFileHandle Flusher)> files = [];
    private int isDone;

    internal PendingBackup(DomainName domain, BackupDirectoryName name, string directoryPath, DomainLock held)
    {
        this.domain = domain;
        this.name = name;
        this.held = held;
        DirectoryPath = directoryPath;
    }

    /// <summary>The final ID, which may be later than the requested one; the manifest must have it.</summary>
    public BackupId Id => name.Id;

    public BackupKind Kind => name.Kind;

    public string DirectoryPath { get; }

    /// <summary>Whether the pending backup at a path was published.</summary>
    public static bool WasPublished(string pendingPath) =>
        BackupDirectoryName.Parse(Path.GetFileName(pendingPath)) is { State: BackupDirectoryState.Partial } pending
        && Directory.Exists(Path.Combine(
            Path.GetDirectoryName(pendingPath)!, (pending with { State = BackupDirectoryState.Published }).ToString()));

    /// <summary>Creates a file that must not exist yet. The caller closes it before publishing.</summary>
    /// <exception cref="ArgumentException">The name is not a plain file name, or is reserved by Storage.</exception>
    /// <exception cref="StorageException">The file system refuses it.</exception>
    public FileStream CreateFile(string fileName)
    {
        if (!BackupFiles.IsPlainName(fileName) || BackupFiles.IsReserved(fileName))
        {
            throw new ArgumentException($"'{fileName}' cannot be a file of a backup.", nameof(fileName));
        }

        return Guard($"'{fileName}' cannot be created", () =>
        {
            using TargetFolder folder = TargetFolder.OpenBackup(DirectoryPath);
            FileStream stream = new WriteBehindStream(folder.CreateNew(fileName));
            // A handle opened before the writes receives every write error; one opened afterwards may not.
            files.Add(fileName, (stream, folder.OpenToRead(fileName)));
            return stream;
        });
    }

    /// <summary>Publishes the backup: everything is on disk before it gets its final name.</summary>
    /// <exception cref="StorageException">A file does not match the manifest, or the file system refuses
    /// it.</exception>
    public async Task<CompletedBackup> PublishAsync(Manifest manifest, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(isDone != 0, this);
        DemandOwnManifest(manifest);
        byte[] json = ManifestFile.Format(manifest);
        try
        {
            await FlushFilesAsync();
            DemandLength(manifest);
            await WriteManifestAsync(manifest, json, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            held.DemandLease();
            return Rename(manifest);
        }
        catch (Exception failure) when (StorageException.IsExpected(failure))
        {
            throw StorageException.From(
                failure, $"The backup {Id} of '{domain}' in '{DirectoryPath}' cannot be published");
        }
    }

    /// <summary>Removes an unpublished backup.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref isDone, 1) != 0)
        {
            return;
        }

        CloseFlushers();
        foreach ((FileStream stream, _) in files.Values)
        {
            // The original failure is reported and must not be hidden by its consequences: a full disk refuses the last
            // bytes of a file once more.
            await IgnoreAsync(stream.DisposeAsync);
        }

        // When this fails, the directory's name marks a partial backup, every listing reports it, and the next run
        // removes it.
        await IgnoreAsync(() =>
        {
            using TargetFolder folder = TargetFolder.OpenDomain(Path.GetDirectoryName(DirectoryPath)!);
            folder.RemoveTree(Path.GetFileName(DirectoryPath));
            return ValueTask.CompletedTask;
        });
    }

    private static async Task IgnoreAsync(Func<ValueTask> action)
    {
        try
        {
            await action();
        }
        catch (Exception failure) when (StorageException.IsExpected(failure))
        {
            // Intended: see the callers.
        }
    }

    private void DemandOwnManifest(Manifest manifest)
    {
        string[] expected = [manifest.Archive.FileName, manifest.Archive.IndexFileName];
        if (manifest.Domain != domain || manifest.Id != Id || manifest.Kind != name.Kind)
        {
            throw new StorageException(
                $"The manifest of '{manifest.Domain}' {manifest.Id} {manifest.Kind} is not that of the backup"
                + $" '{domain}' {Id} {name.Kind}.");
        }

        if (!expected.ToHashSet().SetEquals(files.Keys))
        {
            throw new StorageException(
                $"The backup {Id} of '{domain}' has the files {string.Join(", ", files.Keys)}; its manifest names"
                + $" {string.Join(", ", expected)}.");
        }
    }

    private async Task FlushFilesAsync()
    {
        foreach ((string file, (FileStream stream, SafeFileHandle flusher)) in files)
        {
            await stream.DisposeAsync();
            // A disk may be slow, and a share may hang forever: not on the caller's thread.
            await Task.Run(() => DurableFile.Flush(flusher, Path.Combine(DirectoryPath, file)));
        }
    }

    private void DemandLength(Manifest manifest)
    {
        using TargetFolder folder = TargetFolder.OpenBackup(DirectoryPath);
        long length = folder.Find(manifest.Archive.FileName)?.SizeBytes ?? 0;
        if (length != manifest.Archive.SizeBytes)
        {
            throw new StorageException(
                $"The archive '{manifest.Archive.FileName}' of '{domain}' has {length} bytes on disk, but"
                + $" {manifest.Archive.SizeBytes} were written: the file system lost data. Check dmesg.");
        }
    }

    private async Task WriteManifestAsync(Manifest manifest, byte[] json, CancellationToken cancellationToken)
    {
        string manifestPath = Path.Combine(DirectoryPath, BackupFiles.Manifest);
        string indexPath = Path.Combine(DirectoryPath, manifest.Archive.IndexFileName);
        using TargetFolder folder = TargetFolder.OpenBackup(DirectoryPath);
        folder.WriteNew(BackupFiles.Manifest, json);
        Dictionary<string, string> sums = new()
        {
            [manifest.Archive.FileName] = manifest.Archive.Sha256,
            [manifest.Archive.IndexFileName] = await ChecksumFile.ComputeAsync(indexPath, cancellationToken),
            [BackupFiles.Manifest] = await ChecksumFile.ComputeAsync(manifestPath, cancellationToken),
        };
        folder.WriteNew(BackupFiles.Checksums, ChecksumFile.Format(sums));
        folder.Flush();
    }

    private CompletedBackup Rename(Manifest manifest)
    {
        string published = Path.Combine(
            Path.GetDirectoryName(DirectoryPath)!, (name with { State = BackupDirectoryState.Published }).ToString());

        // Exactly one of publication and disposal: a backup disposed of while the disk hung must not be published half
        // removed when the disk continues.
        ObjectDisposedException.ThrowIf(Interlocked.Exchange(ref isDone, 1) != 0, this);
        try
        {
            using TargetFolder folder = TargetFolder.OpenDomain(Path.GetDirectoryName(published)!);
            folder.Rename(Path.GetFileName(DirectoryPath), Path.GetFileName(published));
        }
        catch (Exception failure) when (StorageException.IsExpected(failure))
        {
            isDone = 0;
            throw;
        }

        CloseFlushers();
        return new CompletedBackup(published, manifest, IsProtected: false);
    }

    private void CloseFlushers()
    {
        foreach ((_, SafeFileHandle flusher) in files.Values)
        {
            flusher.Dispose();
        }
    }

    private T Guard<T>(string problem, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception failure) when (StorageException.IsExpected(failure))
        {
            throw StorageException.From(failure, $"In '{DirectoryPath}' {problem}");
        }
    }
}
