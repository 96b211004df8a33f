using KvmBackup.Persisting;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Storage;

/// <summary>
/// A backup that is being written, under a name that nobody takes for a backup. It becomes one by
/// <see cref="PublishAsync"/>, or is gone when it is disposed of.
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

    /// <summary>May be later than what was asked for; the manifest must bear this one.</summary>
    public BackupId Id => name.Id;

    public BackupKind Kind => name.Kind;

    public string DirectoryPath { get; }

    /// <summary>Whether what was begun under a path became a backup.</summary>
    public static bool WasPublished(string pendingPath) =>
        BackupDirectoryName.Parse(Path.GetFileName(pendingPath)) is { State: BackupDirectoryState.Partial } pending
        && Directory.Exists(Path.Combine(
            Path.GetDirectoryName(pendingPath)!, (pending with { State = BackupDirectoryState.Published }).ToString()));

    /// <summary>Makes a file that must not be there yet. The caller closes it before publishing.</summary>
    /// <exception cref="ArgumentException">The name leads elsewhere, or is one of Storage's own.</exception>
    /// <exception cref="StorageException">The disk refuses.</exception>
    public FileStream CreateFile(string fileName)
    {
        if (!BackupFiles.IsPlainName(fileName) || BackupFiles.IsReserved(fileName))
        {
            throw new ArgumentException($"'{fileName}' cannot be a file of a backup.", nameof(fileName));
        }

        return Guard($"'{fileName}' cannot be made", () =>
        {
            using TargetFolder folder = TargetFolder.BackupReader(DirectoryPath);
            FileStream stream = new WriteBehindStream(folder.CreateNew(fileName));
            // A handle that was open before the writing is told of every failed write; one that is opened afterwards may not be.
            files.Add(fileName, (stream, folder.OpenToRead(fileName)));
            return stream;
        });
    }

    /// <summary>Makes it a backup: everything is on disk before the name says that it is whole.</summary>
    /// <exception cref="StorageException">A file is not as the manifest says, or the disk refuses.</exception>
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

    /// <summary>Removes what was not published.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref isDone, 1) != 0)
        {
            return;
        }

        CloseFlushers();
        foreach ((FileStream stream, _) in files.Values)
        {
            // What brought us here is told, and must not be hidden by what follows from it: a full disk refuses the
            // last bytes of a file once more.
            await IgnoreAsync(stream.DisposeAsync);
        }

        // If this fails, the directory's name says that it is no backup, every listing tells it, and the next run
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
            // See the callers.
        }
    }

    private void DemandOwnManifest(Manifest manifest)
    {
        string[] asked = [manifest.Archive.FileName, manifest.Archive.IndexFileName];
        if (manifest.Domain != domain || manifest.Id != Id || manifest.Kind != name.Kind)
        {
            throw new StorageException(
                $"The manifest of '{manifest.Domain}' {manifest.Id} {manifest.Kind} is not that of the backup"
                + $" '{domain}' {Id} {name.Kind}.");
        }

        if (!asked.ToHashSet().SetEquals(files.Keys))
        {
            throw new StorageException(
                $"The backup {Id} of '{domain}' has the files {string.Join(", ", files.Keys)}; its manifest names"
                + $" {string.Join(", ", asked)}.");
        }
    }

    private async Task FlushFilesAsync()
    {
        foreach ((string file, (FileStream stream, SafeFileHandle flusher)) in files)
        {
            await stream.DisposeAsync();
            // The disk may take its time, a share that hangs for ever: not on the caller's thread.
            await Task.Run(() => DurableFile.Flush(flusher, Path.Combine(DirectoryPath, file)));
        }
    }

    private void DemandLength(Manifest manifest)
    {
        using TargetFolder folder = TargetFolder.BackupReader(DirectoryPath);
        long length = folder.Find(manifest.Archive.FileName)?.SizeBytes ?? 0;
        if (length != manifest.Archive.SizeBytes)
        {
            throw new StorageException(
                $"The archive '{manifest.Archive.FileName}' of '{domain}' has {length} bytes on disk, but"
                + $" {manifest.Archive.SizeBytes} were written: the file system lost some. Look in dmesg.");
        }
    }

    private async Task WriteManifestAsync(Manifest manifest, byte[] json, CancellationToken cancellationToken)
    {
        string manifestPath = Path.Combine(DirectoryPath, BackupFiles.Manifest);
        string indexPath = Path.Combine(DirectoryPath, manifest.Archive.IndexFileName);
        using TargetFolder folder = TargetFolder.BackupReader(DirectoryPath);
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

        // The one or the other: what is disposed of, because the disk hung for too long, must not be published half
        // removed when the disk goes on at last.
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

    private T Guard<T>(string what, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception failure) when (StorageException.IsExpected(failure))
        {
            throw StorageException.From(failure, $"In '{DirectoryPath}' {what}");
        }
    }
}
