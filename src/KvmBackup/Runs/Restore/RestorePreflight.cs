using KvmBackup.Archiving.Checksums;
using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Planning;
using KvmBackup.Runs.Archives;

namespace KvmBackup.Runs.Restore;

/// <summary>
/// Finds all obstacles to a restore before the first write. A restore never overwrites without permission.
/// </summary>
public sealed class RestorePreflight(LibvirtHost host, ImageDestinations destinations, HostCheck hostCheck)
{
    /// <inheritdoc cref="DefinedPaths.VerifyAsync"/>
    public Task VerifyPathsAsync(
        BackupReader open, RestoreRequest request, string? xml, CancellationToken cancellationToken) =>
        DefinedPaths.VerifyAsync(open, request, xml, host.Pools, cancellationToken);

    /// <exception cref="RunsException">Refused; the message lists every obstacle with a hint.</exception>
    public async Task<RestoreFacts> ExamineAsync(
        CompletedBackup backup, RestorePlan plan, IReadOnlyDictionary<DiskTarget, ImageAssembly> assemblies,
        RestoreRequest request, string? xml, CancellationToken cancellationToken)
    {
        List<string> refusals = [.. await RefuseDomainAsync(backup.Manifest, plan, request, cancellationToken)];
        ReplacedDomain? replaced =
            await ReplacedDomain.FindAsync(host, backup.Manifest, plan, request, refusals, cancellationToken);
        List<RestoreFile> written = [];
        List<RestoreFile> kept = [];
        foreach (RestoreFile planned in plan.Files)
        {
            // An image header may name its backing file through folders that do not exist any more.
            RestoreFile file = planned with { FilePath = LocalFile.WithoutParents(planned.FilePath) };
            ArchiveMember member = backup.Manifest.FindMember(file.MemberName)
                ?? throw new RunsException(
                    $"{backup.Domain}@{backup.Id}: the manifest names no member {file.MemberName}.",
                    ExitCode.DamageFound);
            if (written.Any(other => other.FilePath == file.FilePath))
            {
                refusals.Add($"two files would be written to {file.FilePath}");
            }
            else if (file.IsBlockDevice)
            {
                refusals.AddRange(RefuseDevice(file, member.SizeBytes, request));
                written.Add(file);
            }
            else if (!Path.Exists(file.FilePath) || file.WhenExisting == ExistingFileRule.Replace)
            {
                written.Add(file);
            }
            else if (file.WhenExisting == ExistingFileRule.KeepIfIdentical
                && await HasContentAsync(file.FilePath, member, cancellationToken))
            {
                kept.Add(file);
            }
            else
            {
                refusals.Add(RefuseExisting(file, backup.Manifest.Domain, request));
            }
        }

        refusals.AddRange(RefuseWithoutSpace(written, DataBytes));
        IReadOnlyList<PlacedImage> images =
            await destinations.FindAsync(backup, xml, plan.Images, refusals, cancellationToken);
        refusals.AddRange(MappedRestore.RefuseStart(plan, images, xml, host.CommandLine));
        HostFindings findings = await hostCheck.ExamineAsync(backup, plan, request, xml, cancellationToken);
        refusals.AddRange(findings.Refusals);
        return refusals.Count == 0
            ? new RestoreFacts(written, kept, images, written.Sum(DataBytes) + plan.Images.Sum(ImageBytes))
            {
                Replaced = replaced,
                Host = findings,
            }
            : throw new RunsException(
                $"{backup.Domain}@{backup.Id}: nothing was restored: {string.Join("; ", refusals)}.", ExitCode.Usage);

        long DataBytes(RestoreFile file) => file.Assembled is { } target
            ? assemblies[target].DataBytes : backup.Manifest.FindMember(file.MemberName)!.DataBytes;

        long ImageBytes(RestoreImage image) => assemblies.TryGetValue(image.Disk.Target, out ImageAssembly? assembly)
            ? assembly.DataBytes
            : image.Disk.Layers.Sum(layer => backup.Manifest.FindMember(layer.FileName)?.DataBytes ?? 0);
    }

    private async Task<IReadOnlyList<string>> RefuseDomainAsync(
        Manifest manifest, RestorePlan plan, RestoreRequest request, CancellationToken cancellationToken)
    {
        if (!plan.Define && !request.IsInPlace)
        {
            // Only files in another folder: libvirt is not required.
            return [];
        }

        List<string> refusals = [];
        IReadOnlyList<DomainIdentity> known = await host.ListAsync(cancellationToken);
        DomainIdentity? sameName = known.FirstOrDefault(domain => domain.Name == plan.Name);
        DomainIdentity? sameUuid = request.NewName is null
            ? known.FirstOrDefault(domain => domain.Uuid == manifest.DomainUuid) : null;
        if (plan.Define && sameName is not null && request.Replace is null)
        {
            refusals.Add(
                $"the domain {plan.Name} exists: undefine it, restore a copy with --as NEWNAME, "
                + $"or overwrite it with --replace {plan.Name}");
        }

        if (plan.Define && request.NewName is null && sameName is not null && sameName.Uuid != manifest.DomainUuid)
        {
            refusals.Add(
                $"the domain {plan.Name} of this host is another guest (UUID {sameName.Uuid}, the backup's is "
                + $"{manifest.DomainUuid}): restore a copy with --as NEWNAME");
        }

        if (plan.Define && sameUuid is not null && sameUuid.Name != plan.Name)
        {
            refusals.Add(
                $"the guest exists with the name {sameUuid.Name}: restore a copy with --as NEWNAME, or undefine it");
        }

        foreach (DomainIdentity domain in new[] { sameName, sameUuid }.OfType<DomainIdentity>().Distinct())
        {
            DomainState state = await host.StateAsync(domain, cancellationToken);
            if (state == DomainState.Paused)
            {
                // A paused guest does not notice the request to shut down.
                refusals.Add(
                    $"{domain.Name} is paused: resume it and shut it off first: `{host.CommandLine} resume "
                    + $"{domain.Uuid} && {host.CommandLine} shutdown {domain.Uuid}`");
            }
            else if (state != DomainState.ShutOff)
            {
                refusals.Add(
                    $"{domain.Name} is running: shut it off first: `{host.CommandLine} shutdown {domain.Uuid}`");
            }
        }

        return refusals;
    }

    private static IEnumerable<string> RefuseDevice(RestoreFile file, long sizeBytes, RestoreRequest request)
    {
        if (!Path.Exists(file.FilePath) || !LocalFile.IsBlockDevice(file.FilePath))
        {
            yield return $"the block device {file.FilePath} does not exist: create it, or restore to files with --to "
                + "DIR";
        }
        else if (LocalFile.SizeOf(file.FilePath) is var deviceBytes && deviceBytes < sizeBytes)
        {
            yield return $"{file.FilePath} has {deviceBytes} bytes, and the disk in the backup has {sizeBytes}: "
                + "enlarge the device, or restore to files with --to DIR";
        }
        else if (request.Replace is null && !request.ReplacedDevices.Contains(file.FilePath))
        {
            yield return $"{file.FilePath} is a block device, whose content would be overwritten: to allow this: "
                + $"--replace-device {ShellWord.Quote(file.FilePath)}, or restore to files with --to DIR";
        }
    }

    private static string RefuseExisting(RestoreFile file, DomainName domain, RestoreRequest request) =>
        file.WhenExisting == ExistingFileRule.KeepIfIdentical
            ? $"{file.FilePath} exists with other content than in the backup, and other guests may use it: restore "
                + "into a folder with --to DIR"
            : $"{file.FilePath} exists: move it away, restore into a folder with --to DIR, or overwrite it with "
                + $"--replace {request.NewName ?? domain}";

    private static async Task<bool> HasContentAsync(
        string filePath, ArchiveMember member, CancellationToken cancellationToken)
    {
        using FileExtentSource source = FileExtentSource.Open(filePath);
        return source.SizeBytes == member.SizeBytes
            && await ContentHash.ComputeAsync(source, cancellationToken) == member.ContentXxh128;
    }

    private static IEnumerable<string> RefuseWithoutSpace(List<RestoreFile> written, Func<RestoreFile, long> dataBytes)
    {
        foreach (IGrouping<string, RestoreFile> folder in written.Where(file => !file.IsBlockDevice)
            .GroupBy(file => NearestExisting(Path.GetDirectoryName(file.FilePath)!)))
        {
            long needed = folder.Sum(dataBytes);
            long available = LocalFile.AvailableBytes(folder.Key);
            if (available < needed)
            {
                yield return $"{folder.Key} has {ByteSize.Format(available)} free, and {ByteSize.Format(needed)} are "
                    + "required";
            }
        }
    }

    private static string NearestExisting(string folder)
    {
        while (!Directory.Exists(folder))
        {
            folder = Path.GetDirectoryName(folder) is { Length: > 0 } above ? above : "/";
        }

        return folder;
    }
}

/// <summary>The files and images of a restore on this host.</summary>
/// <param name="Written">The files to write.</param>
/// <param name="Kept">The existing files with the same content as in the backup.</param>
/// <param name="Images">The images to write.</param>
/// <param name="DataBytes">The number of bytes to write.</param>
public sealed record RestoreFacts(
    IReadOnlyList<RestoreFile> Written, IReadOnlyList<RestoreFile> Kept, IReadOnlyList<PlacedImage> Images,
    long DataBytes)
{
    /// <summary>The existing domain that the restore changes; null when there is none.</summary>
    public ReplacedDomain? Replaced { get; init; }

    /// <summary>Links that restored files replace: a link is never followed, because it could lead to any file of this
    /// host.</summary>
    public IEnumerable<string> LinkWarnings => Written
        .Where(file => !file.IsBlockDevice && new FileInfo(file.FilePath).LinkTarget is not null)
        .Select(file => $"{file.FilePath} is a link to {new FileInfo(file.FilePath).LinkTarget}: the restored file "
            + "replaces the link, and the file that it led to stays: delete it when it is not needed any more");

    /// <summary>What this host lacks for the domain.</summary>
    public HostFindings Host { get; init; } = HostFindings.None;
}
