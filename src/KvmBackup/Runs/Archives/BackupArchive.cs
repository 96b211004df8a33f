using KvmBackup.Archiving;
using KvmBackup.Disks;
using KvmBackup.Storage;

namespace KvmBackup.Runs.Archives;

/// <summary>The archive file of one backup while it is written, with the list of its members.</summary>
public sealed class BackupArchive : IAsyncDisposable
{
    private const string IndexExtension = ".index";

    private readonly DomainName name;
    private readonly PendingBackup pending;
    private readonly CompressionMethod method;
    private readonly FileStream file;
    private readonly ArchiveWriter writer;
    private readonly List<ArchiveMember> members = [];

    /// <param name="name">The domain or image: the folder in the archive.</param>
    /// <param name="pending">The backup.</param>
    /// <param name="archiver">Creates the archive writer.</param>
    /// <param name="compression">The compression.</param>
    /// <param name="modifiedAt">The modification time of every member.</param>
    /// <exception cref="KvmBackupException">The file cannot be created, or the codec is not available.</exception>
    public BackupArchive(
        DomainName name, PendingBackup pending, Archiver archiver, Compression compression, DateTimeOffset modifiedAt)
    {
        this.name = name;
        this.pending = pending;
        method = compression.Method;
        FileName = name.FileName + Compression.FileExtension(method);
        file = pending.CreateFile(FileName);
        writer = archiver.CreateWriter(file, compression, modifiedAt);
    }

    public string FileName { get; }

    /// <summary>The members up to now, in order.</summary>
    public IReadOnlyList<ArchiveMember> Members => members;

    /// <param name="memberName">The name below the domain's folder.</param>
    /// <param name="content">The content, which is read once, in ascending order.</param>
    /// <param name="bytesRead">Receives the number of bytes of data read.</param>
    /// <exception cref="KvmBackupException">The content cannot be read, or the archive cannot be written; the message
    /// states the free space.</exception>
    public async Task<ArchiveMember> AddAsync(
        string memberName, IExtentSource content, IProgress<long>? bytesRead, CancellationToken cancellationToken) =>
        Add(await DescribeSpaceAsync(() => writer.AddAsync(PathOf(memberName), content, bytesRead, cancellationToken)));

    /// <summary>Adds a small member from memory.</summary>
    public async Task<ArchiveMember> AddAsync(
        string memberName, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        Add(await DescribeSpaceAsync(() => writer.AddAsync(PathOf(memberName), content, cancellationToken)));

    /// <summary>Completes the archive and writes the index file.</summary>
    public async Task<ManifestArchive> CompleteAsync(CancellationToken cancellationToken)
    {
        ArchiveSummary summary = await DescribeSpaceAsync(() => writer.CompleteAsync(cancellationToken));
        string indexName = FileName + IndexExtension;
        long indexBytes;
        await using (FileStream index = pending.CreateFile(indexName))
        {
            await summary.Index.WriteToAsync(index, cancellationToken);
            indexBytes = index.Length;
        }

        await file.DisposeAsync();
        return new ManifestArchive(FileName, indexName, method, summary.SizeBytes, summary.TarBytes, summary.Sha256)
        {
            IndexSizeBytes = indexBytes,
        };
    }

    public async ValueTask DisposeAsync()
    {
        await writer.DisposeAsync();
        await file.DisposeAsync();
    }

    private string PathOf(string memberName) => $"{name.FileName}/{memberName}";

    private ArchiveMember Add(ArchiveMember member)
    {
        members.Add(member);
        return member;
    }

    private async Task<TResult> DescribeSpaceAsync<TResult>(Func<Task<TResult>> write)
    {
        try
        {
            return await write();
        }
        catch (Exception failure) when (StorageException.IsExpected(failure))
        {
            string left = ByteSize.Format(LocalFile.AvailableBytes(pending.DirectoryPath));
            throw StorageException.From(failure, $"The archive '{Path.Combine(pending.DirectoryPath, FileName)}' "
                + $"cannot be written ({left} free)");
        }
    }
}
