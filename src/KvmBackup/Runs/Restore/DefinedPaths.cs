using System.Buffers.Binary;
using System.Text;
using KvmBackup.Archiving;
using KvmBackup.Hypervisor;
using KvmBackup.Runs.Archives;

namespace KvmBackup.Runs.Restore;

/// <summary>
/// Verifies the manifest's paths against the definition in the archive. A manifest with other paths was not written by
/// a backup, and nothing is restored from it.
/// </summary>
internal static class DefinedPaths
{
    private const int LargestXmlBytes = 16 << 20;
    private const int HeaderBytes = 20;
    private const int LongestBackingName = 1023;
    private const uint Qcow2Magic = 0x514649FB;

    /// <param name="open">The backup.</param>
    /// <param name="request">The request.</param>
    /// <param name="xml">Its <c>domain.xml</c>; null for an image without a guest.</param>
    /// <param name="pools">The storage pools of this host, which resolve the volumes of the definition.</param>
    /// <param name="cancellationToken">Cancels the verification.</param>
    /// <exception cref="RunsException">The definition does not name a path, or a path is not absolute.</exception>
    public static async Task VerifyAsync(
        BackupReader open, RestoreRequest request, string? xml, StoragePools pools, CancellationToken cancellationToken)
    {
        if (request.TargetDirectory is not null)
        {
            // All names are derived from the disks' targets.
            return;
        }

        Manifest manifest = open.Backup.Manifest;
        IReadOnlyList<string> definitions = await ReadAsync(open, xml, cancellationToken);
        foreach (ManifestDisk disk in manifest.Disks.Where(disk => disk.Image is null && request.Cluster is null
            && (request.Disk is null || disk.Target == request.Disk)))
        {
            List<string> named = [.. definitions.SelectMany(text => DomainXml.DiskPaths(text, disk.Target))];
            if (xml is not null && DomainXml.DiskVolume(xml, disk.Target) is { } volume)
            {
                named.Add(await ResolveAsync(open, disk, volume, pools, cancellationToken));
            }

            foreach (ManifestLayer layer in disk.Layers)
            {
                Verify(open, layer.FileName, layer.SourcePath, named);
                if (await ReadBackingNameAsync(open, layer, cancellationToken) is { } below)
                {
                    named.Add(Path.Combine(Path.GetDirectoryName(layer.SourcePath)!, below));
                }
            }
        }

        foreach (AuxiliaryFile file in request.Disk is null ? manifest.Files : [])
        {
            Verify(open, file.MemberName, file.SourcePath, [.. definitions.SelectMany(DomainXml.FilePaths)]);
        }
    }

    /// <summary>
    /// The path of a volume that the definition names. The restored definition names the volume, too, so the disk must
    /// be there on this host.
    /// </summary>
    private static async Task<string> ResolveAsync(
        BackupReader open, ManifestDisk disk, PoolVolume volume, StoragePools pools,
        CancellationToken cancellationToken)
    {
        VolumePath found = await pools.FindAsync(volume, cancellationToken);
        return found.Path is { } path && path == disk.Layers[0].SourcePath ? path : throw new RunsException(
            $"{open.Backup.Domain}@{open.Backup.Id}: nothing was restored: disk {disk.Target} is {volume}, "
                + (found.Obstacle ?? $"which is {found.Path} on this host, and the manifest places it elsewhere")
                + ". Define that pool as it was, or restore the disks into a folder: --to DIR",
            ExitCode.Usage);
    }

    private static async Task<IReadOnlyList<string>> ReadAsync(
        BackupReader open, string? xml, CancellationToken cancellationToken)
    {
        // A disk that was attached to the running guest only is in its live definition.
        const string live = "live.xml";
        return xml is null ? []
            : open.Backup.Manifest.FindMember(live) is null ? [xml]
            : [xml, Encoding.UTF8.GetString(
                await open.Reader.ReadSmallAsync(open.Member(live), LargestXmlBytes, cancellationToken))];
    }

    private static void Verify(BackupReader open, string fileName, string path, IReadOnlyList<string> named)
    {
        // A linked clone may name its template as ../base.qcow2, which the kernel resolves: only exactly that path is
        // accepted.
        bool isFull = path.StartsWith('/') && !path.EndsWith('/') && !path.Any(char.IsControl)
            && (named.Contains(path) || !path.Split('/').Any(part => part is "." or ".."));
        string shown = string.Concat(
            path.Select(letter => char.IsControl(letter) ? $"\\u{(int)letter:x4}" : letter.ToString()));
        if (!isFull || !named.Any(other => other.StartsWith('/') && Path.GetFullPath(other) == Path.GetFullPath(path)))
        {
            throw new RunsException(
                $"{open.Backup.Domain}@{open.Backup.Id}: nothing was restored: the manifest places {fileName} at "
                    + $"'{shown}', "
                + (isFull ? "which the definition in the archive does not name: the backup is damaged or forged. "
                    : "which is not an absolute path without '..'. ")
                + "To restore the disks into a folder instead: --to DIR",
                ExitCode.DamageFound);
        }
    }

    /// <summary>The backing file that a qcow2 header names, as a path: absolute, or relative to the image.</summary>
    private static async Task<string?> ReadBackingNameAsync(
        BackupReader open, ManifestLayer layer, CancellationToken cancellationToken)
    {
        ArchiveMember member = open.Member(layer.FileName);
        if (layer.Format != "qcow2" || member.SizeBytes < HeaderBytes)
        {
            return null;
        }

        await using MemberReader reader = open.Reader.OpenMember(member, [new Extent(0, HeaderBytes)], ahead: 0);
        byte[] header = new byte[HeaderBytes];
        await reader.ReadAsync(0, header, cancellationToken);
        long offset = BinaryPrimitives.ReadInt64BigEndian(header.AsSpan(8));
        int length = BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(16));
        if (BinaryPrimitives.ReadUInt32BigEndian(header) != Qcow2Magic || length is <= 0 or > LongestBackingName
            || offset <= 0 || offset > member.SizeBytes - length)
        {
            return null;
        }

        byte[] name = new byte[length];
        await reader.ReadAsync(offset, name, cancellationToken);
        string text = Encoding.UTF8.GetString(name);
        return text.StartsWith("file:", StringComparison.Ordinal) ? text["file:".Length..] : text;
    }
}
