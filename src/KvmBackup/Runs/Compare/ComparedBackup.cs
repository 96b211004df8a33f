using KvmBackup.Archiving;
using KvmBackup.Archiving.Checksums;
using KvmBackup.Planning;
using KvmBackup.Runs.Archives;
using Serilog;

namespace KvmBackup.Runs.Compare;

/// <summary>
/// A backup and the backups that it depends on, open to be compared with its source. Opened before the capture and
/// closed after the release, since the target may hang.
/// </summary>
public sealed class ComparedBackup : IAsyncDisposable
{
    private const int ChunksAtOnce = 6;

    private readonly Dictionary<BackupId, BackupReader> open = [];
    private readonly List<IAsyncDisposable> readers = [];

    private ComparedBackup(CompletedBackup backup, IReadOnlyDictionary<DiskTarget, IReadOnlyList<ComparedFile>> files)
    {
        Backup = backup;
        Files = files;
    }

    public CompletedBackup Backup { get; }

    /// <summary>The files of each disk, the guest's own first.</summary>
    public IReadOnlyDictionary<DiskTarget, IReadOnlyList<ComparedFile>> Files { get; }

    /// <param name="backup">The backup.</param>
    /// <param name="disks">The disks to compare.</param>
    /// <param name="all">The complete backups of the same domain.</param>
    /// <param name="log">Gets damage that does not matter for a comparison.</param>
    /// <param name="cancellationToken">Cancels the opening.</param>
    /// <exception cref="KvmBackupException">A backup is missing or damaged.</exception>
    public static async Task<ComparedBackup> OpenAsync(
        CompletedBackup backup, IReadOnlyList<ManifestDisk> disks, IReadOnlyList<CompletedBackup> all, ILogger log,
        CancellationToken cancellationToken)
    {
        // Before the capture: the content of the source is compared with it.
        Xxh128.EnsureAvailable();
        ComparedBackup opened = new(
            backup, disks.ToDictionary(disk => disk.Target, disk => ComparedFile.Of(backup, disk, all)));
        IEnumerable<CompletedBackup> links = opened.Files.Values.SelectMany(files => files)
            .SelectMany(file => file.Assembly?.Links.Select(link => link.Backup) ?? []);
        try
        {
            foreach (CompletedBackup one in links.Prepend(backup).DistinctBy(one => one.Id))
            {
                opened.open.Add(one.Id, await BackupReader.OpenAsync(one, log, cancellationToken));
            }
        }
        catch (Exception)
        {
            await opened.DisposeAsync();
            throw;
        }

        return opened;
    }

    /// <summary>Starts to read one file; it stays open until <see cref="ReleaseAsync"/> or the end.</summary>
    public IExtentSource Read(ComparedFile file)
    {
        if (file.Assembly is { } assembly)
        {
            AssembledDisk disk = AssembledDisk.Open(assembly, id => open[id], ChunksAtOnce);
            readers.Add(disk);
            return disk.Content;
        }

        BackupReader backup = open[file.Backup.Id];
        ArchiveMember member = backup.Member(file.Layer.FileName);
        MemberReader reader = backup.Reader.OpenMember(member, member.Extents, ChunksAtOnce);
        readers.Add(reader);
        return reader;
    }

    /// <summary>Frees the buffers of a file that was read to its end.</summary>
    public async Task ReleaseAsync()
    {
        foreach (IAsyncDisposable reader in readers)
        {
            await reader.DisposeAsync();
        }

        readers.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        await ReleaseAsync();
        foreach (BackupReader one in open.Values)
        {
            one.Dispose();
        }
    }
}

/// <summary>One file of a disk in a backup.</summary>
/// <param name="Backup">The backup.</param>
/// <param name="Disk">The disk.</param>
/// <param name="Layer">The file.</param>
/// <param name="Assembly">How an image is assembled; null for one member.</param>
public sealed record ComparedFile(
    CompletedBackup Backup, ManifestDisk Disk, ManifestLayer Layer, ImageAssembly? Assembly)
{
    /// <summary>The format of its bytes; an increment is compared as the image that it results in.</summary>
    public string Format => Assembly is null ? Layer.Format : "raw";

    public long SizeBytes => Assembly?.SizeBytes ?? Layer.SizeBytes;

    /// <summary>Of its whole content; null for an increment, whose checksum is of its changes.</summary>
    public string? Xxh128 => Disk.Kind == BackupKind.Full ? Layer.Xxh128 : null;

    /// <summary>The files of one disk, the guest's own first.</summary>
    /// <exception cref="PlanningException">A backup that it depends on is missing.</exception>
    public static IReadOnlyList<ComparedFile> Of(
        CompletedBackup backup, ManifestDisk disk, IReadOnlyList<CompletedBackup> all)
    {
        ImageAssembly? assembly = disk.Image is null ? null : ImageAssembly.Plan(backup, disk.Target, all);
        return [.. disk.Layers.Select(layer => new ComparedFile(backup, disk, layer, assembly))];
    }
}
