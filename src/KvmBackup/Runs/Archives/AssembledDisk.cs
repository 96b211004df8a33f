using KvmBackup.Archiving;
using KvmBackup.Ceph;
using KvmBackup.Planning;

namespace KvmBackup.Runs.Archives;

/// <summary>One point of an image, read at any offset from the archives of its chain.</summary>
public sealed class AssembledDisk : IAsyncDisposable
{
    private readonly List<MemberReader> readers = [];

    private AssembledDisk(ImageAssembly assembly, Func<BackupId, BackupReader> find, int chunksAtOnce)
    {
        int ahead = Math.Max(0, (chunksAtOnce / Math.Max(1, assembly.Links.Count)) - 1);
        Content = new AssembledImage(assembly.SizeBytes, [.. assembly.Links.Select(link =>
        {
            ManifestDisk disk = link.Backup.Manifest.Disks.Single(other => other.Target == assembly.Target);
            return (link.Visible, Open(find(link.Backup.Id), disk, link.Visible, ahead));
        })]);
    }

    /// <summary>The content of the disk; each run of data is read from one archive.</summary>
    public IExtentSource Content { get; }

    /// <param name="assembly">The parts of the backups that are visible.</param>
    /// <param name="find">Gives each of them, open; it stays the caller's.</param>
    /// <param name="chunksAtOnce">The approximate number of chunks in memory, over all backups; at least one for
    /// each.</param>
    public static AssembledDisk Open(ImageAssembly assembly, Func<BackupId, BackupReader> find, int chunksAtOnce) =>
        new(assembly, find, chunksAtOnce);

    public async ValueTask DisposeAsync()
    {
        foreach (MemberReader reader in readers)
        {
            await reader.DisposeAsync();
        }
    }

    private IExtentSource Open(BackupReader backup, ManifestDisk disk, IReadOnlyList<Extent> visible, int ahead)
    {
        ArchiveMember member = backup.Member(disk.Layers[0].FileName);
        if (disk.Kind == BackupKind.Full)
        {
            return Open(backup, member, visible, ahead);
        }

        RbdDiffLayout layout =
            new(disk.Image!.BaseSnapshot, disk.Image.Snapshot, disk.VirtualSizeBytes, disk.Image.Changes);
        IReadOnlyList<Extent> wanted =
        [
            .. visible.Select(
                run => run with { OffsetBytes = layout.StreamOffset(run.OffsetBytes, run.LengthBytes) }),
        ];
        return new RbdDiffImage(layout, Open(backup, member, wanted, ahead));
    }

    private MemberReader Open(BackupReader backup, ArchiveMember member, IReadOnlyList<Extent> wanted, int ahead)
    {
        MemberReader reader = backup.Reader.OpenMember(member, wanted, ahead);
        readers.Add(reader);
        return reader;
    }
}
