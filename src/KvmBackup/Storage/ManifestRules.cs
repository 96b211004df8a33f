namespace KvmBackup.Storage;

/// <summary>The rules for a manifest beyond its types. Readers of a valid manifest need no further checks.</summary>
internal static class ManifestRules
{
    private const int LongestText = 4096;

    /// <summary>Eight pebibytes.</summary>
    private const long LargestMemberBytes = 1L << 53;
    private const int Sha256Digits = 64;
    private const int Xxh128Digits = 32;

    /// <returns>The first problem; null for none.</returns>
    public static string? FindProblem(Manifest manifest)
    {
        if (HasNullEntry(manifest))
        {
            return "a list in it has an empty entry";
        }

        return HeadProblem(manifest)
            ?? ArchiveProblem(manifest.Archive)
            ?? manifest.Members.Select(member => MemberProblem(manifest, member)).FirstOrDefault(IsProblem)
            ?? manifest.Disks.Select(disk => DiskProblem(manifest, disk)).FirstOrDefault(IsProblem)
            ?? manifest.Files.Select(file => FileProblem(file)).FirstOrDefault(IsProblem)
            ?? manifest.Snapshots.Select(snapshot => SnapshotProblem(manifest, snapshot)).FirstOrDefault(IsProblem)
            ?? manifest.Definitions.Select(saved => DefinitionProblem(manifest, saved)).FirstOrDefault(IsProblem)
            ?? (manifest.HostResources.All(resource => IsText(resource.Name)) ? null : "a host resource has no name")
            ?? DuplicateProblem("member", manifest.Members.Select(member => member.Name))
            ?? DuplicateProblem("disk", manifest.Disks.Select(disk => disk.Target.Value));
    }

    private static bool IsProblem(string? problem) => problem is not null;

    // The JSON reader checks properties for null, but not the entries of lists.
    private static bool HasNullEntry(Manifest manifest)
    {
        IEnumerable<object?> entries =
        [
            .. manifest.Disks, .. manifest.SkippedDisks, .. manifest.Files, .. manifest.Members, .. manifest.Warnings,
            .. manifest.MergedFrom, .. manifest.Snapshots, .. manifest.Definitions, .. manifest.HostResources,
        ];
        return entries.Contains(null) || manifest.Disks.Any(disk => disk.Layers.Contains(null!));
    }

    private static string? HeadProblem(Manifest manifest)
    {
        if (manifest.FormatVersion != Manifest.CurrentFormatVersion)
        {
            return $"its format_version is {manifest.FormatVersion}";
        }

        if (!IsText(manifest.Program) || !IsText(manifest.Host))
        {
            return "program or host is empty or too long";
        }

        if (manifest.MergedFrom.Count > 0
            && (manifest.Kind != BackupKind.Full || manifest.MergedFrom[^1] != manifest.Id))
        {
            return "merged_from does not end with this backup";
        }

        return manifest.FrozenFor < TimeSpan.Zero ? "frozen_for_seconds is negative" : null;
    }

    private static string? ArchiveProblem(ManifestArchive archive)
    {
        if (new[] { archive.FileName, archive.IndexFileName }.Any(name => !IsFileName(name))
            || archive.FileName == archive.IndexFileName)
        {
            return $"'{archive.FileName}' and '{archive.IndexFileName}' cannot be the names of archive and index";
        }

        if (archive.SizeBytes < 0 || archive.TarBytes < 0 || archive.IndexSizeBytes < 0)
        {
            return "a size of the archive is negative";
        }

        return IsChecksum(archive.Sha256, Sha256Digits)
            ? null : "the archive's sha256 is not 64 lower-case hexadecimal digits";
    }

    private static string? MemberProblem(Manifest manifest, ArchiveMember member)
    {
        string[] parts = member.Name.Split('/');
        if (parts.Length != 2 || parts[0] != manifest.Domain.FileName || !BackupFiles.IsPlainName(parts[1]))
        {
            return $"'{member.Name}' cannot be the name of a member";
        }

        if (!IsChecksum(member.ContentXxh128, Xxh128Digits))
        {
            return $"the checksum of member '{member.Name}' is not 32 lower-case hexadecimal digits";
        }

        if (member.SizeBytes > LargestMemberBytes)
        {
            return $"member '{member.Name}' has {member.SizeBytes} bytes, more than an image can have";
        }

        long available = manifest.Archive.TarBytes - member.DataOffsetBytes;
        bool isValid = member.HeaderOffsetBytes >= 0 && member.DataOffsetBytes >= member.HeaderOffsetBytes;
        long end = 0;
        foreach (Extent extent in member.Extents)
        {
            // Subtractions instead of sums, which could overflow.
            isValid &= extent.LengthBytes > 0 && extent.OffsetBytes >= end
                && extent.LengthBytes <= member.SizeBytes - extent.OffsetBytes && extent.LengthBytes <= available;
            if (!isValid)
            {
                break;
            }

            end = extent.EndBytes;
            available -= extent.LengthBytes;
        }

        return isValid && available >= 0 && member.SizeBytes >= 0
            ? null
            : $"the offsets or extents of member '{member.Name}' do not fit its size and the archive's";
    }

    private static string? DiskProblem(Manifest manifest, ManifestDisk disk)
    {
        if (disk.VirtualSizeBytes < 0 || disk.Layers.Count == 0)
        {
            return $"disk {disk.Target} has no layers or a negative size";
        }

        return disk.Layers.Select(layer => LayerProblem(manifest, disk, layer)).FirstOrDefault(IsProblem)
            ?? (disk.Image is null ? NotAnImageProblem(disk) : ImageProblem(manifest, disk, disk.Image));
    }

    private static string? NotAnImageProblem(ManifestDisk disk) =>
        disk.Layers.All(layer => layer.Format != ManifestLayer.RbdDiffFormat)
            ? null : $"disk {disk.Target} is an increment, but not of an RBD image";

    private static string? ImageProblem(Manifest manifest, ManifestDisk disk, ManifestImage image)
    {
        bool isFull = disk.Kind == BackupKind.Full;
        if (disk.Layers.Count != 1 || !IsText(image.ImageId) || !IsText(image.Snapshot)
            || isFull != (disk.Layers[0].Format == "raw") || isFull != (image.BaseBackup is null)
            || isFull != (image.BaseSnapshot is null) || (image.BaseBackup is { } older && older >= manifest.Id))
        {
            return $"the base of disk {disk.Target} does not fit its kind";
        }

        long end = 0;
        foreach (ImageChange change in image.Changes)
        {
            if (isFull || change.LengthBytes <= 0 || change.OffsetBytes < end
                || change.LengthBytes > disk.VirtualSizeBytes - change.OffsetBytes)
            {
                return $"the changes of disk {disk.Target} do not fit its size";
            }

            end = change.EndBytes;
        }

        return null;
    }

    private static string? LayerProblem(Manifest manifest, ManifestDisk disk, ManifestLayer layer)
    {
        if (!BackupFiles.IsPlainName(layer.FileName) || !IsText(layer.Format) || !IsText(layer.SourcePath)
            || !IsChecksum(layer.Xxh128, Xxh128Digits))
        {
            return $"layer '{layer.FileName}' of disk {disk.Target} has an invalid name, format, path or checksum";
        }

        return manifest.FindMember(layer.FileName) is { } member && member.SizeBytes == layer.SizeBytes
            ? null
            : $"layer '{layer.FileName}' of disk {disk.Target} has no member of its size";
    }

    private static string? FileProblem(AuxiliaryFile file) =>
        BackupFiles.IsPlainName(file.MemberName) && IsText(file.SourcePath)
            ? null
            : $"'{file.MemberName}' cannot be the name of a file of the domain";

    private static string? SnapshotProblem(Manifest manifest, ManifestSnapshot snapshot) =>
        IsText(snapshot.Name) && manifest.FindMember(snapshot.FileName) is not null
            ? null
            : $"snapshot '{snapshot.Name}' has no name or no member '{snapshot.FileName}'";

    private static string? DefinitionProblem(Manifest manifest, SavedDefinition saved) =>
        IsText(saved.Name) && BackupFiles.IsPlainName(saved.Member) && manifest.FindMember(saved.Member) is not null
            ? null
            : $"the definition '{saved.Member}' has no name or no member";

    private static string? DuplicateProblem(string noun, IEnumerable<string> names) =>
        names.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1) is { } duplicate
            ? $"{noun} '{duplicate.Key}' exists twice"
            : null;

    private static bool IsFileName(string name) => BackupFiles.IsPlainName(name) && !BackupFiles.IsReserved(name);

    private static bool IsText(string text) => text.Length is > 0 and <= LongestText;

    private static bool IsChecksum(string text, int digits) =>
        text.Length == digits && text.All(char.IsAsciiHexDigitLower);
}
