using KvmBackup.Model;

namespace KvmBackup.Planning;

/// <summary>An increment that becomes a full backup, out of what it stands on and without its source.</summary>
/// <param name="Point">The increment.</param>
/// <param name="Images">How each of its disks that is an increment is put together.</param>
/// <param name="From">All backups that are read, the oldest first, the increment last.</param>
public sealed record MergePlan(
    CompletedBackup Point, IReadOnlyList<ImageAssembly> Images, IReadOnlyList<CompletedBackup> From)
{
    /// <summary>About what the new archive needs: no more than those that it is made of.</summary>
    public long LikelyBytes => From.Sum(backup => backup.Manifest.Archive.SizeBytes);

    /// <summary>Bytes of data that are read for it.</summary>
    public long DataBytes => Images.Sum(image => image.DataBytes) + Point.Manifest.Members.Sum(member => member.DataBytes);

    /// <summary>What the manifest says of a disk that is no longer an increment.</summary>
    /// <param name="disk">As the increment's manifest has it.</param>
    /// <param name="member">The member that holds the whole image.</param>
    public static ManifestDisk Full(ManifestDisk disk, ArchiveMember member) => disk with
    {
        Kind = BackupKind.Full,
        Layers = [disk.Layers[0] with
        {
            FileName = ManifestImage.MemberName(disk.Target, isFull: true),
            Format = "raw",
            Xxh128 = member.ContentXxh128,
            SizeBytes = member.SizeBytes,
        }],
        Image = Whole(disk.Image!),
    };

    /// <summary>The image of a backup that stands on nothing.</summary>
    internal static ManifestImage Whole(ManifestImage image) => image with { BaseBackup = null, BaseSnapshot = null, Changes = [] };
}
