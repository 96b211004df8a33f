using System.Text;
using KvmBackup.Archiving;
using KvmBackup.Disks;
using KvmBackup.Model;
using KvmBackup.Planning;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs;

/// <summary>
/// Writes the archive of one pinned domain: definitions first, then each disk once, released as soon as it is read.
/// </summary>
public sealed class DomainArchiver(Archiver archiver, TimeProvider time, ILogger log)
{
    private const string IndexExtension = ".index";

    public Task EnsureAvailableAsync(Compression compression, CancellationToken cancellationToken) =>
        archiver.EnsureAvailableAsync(compression, cancellationToken);

    /// <returns>The manifest of the archive, which lies complete in the pending backup.</returns>
    /// <exception cref="KvmBackupException">Anything that makes the archive less than whole.</exception>
    public async Task<Manifest> WriteAsync(
        PreparedJob job, PinnedDomain pin, PendingBackup pending, JobRecord record, string hostName,
        IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        DomainFacts domain = job.Facts;
        string archiveName = domain.Name.FileName + Compression.FileExtension(job.Settings.Compression.Method);
        List<ArchiveMember> members = [];
        List<ManifestDisk> disks = [];
        await using FileStream file = pending.CreateFile(archiveName);
        await using ArchiveWriter writer = archiver.CreateWriter(file, job.Settings.Compression, record.StartedAt);

        if (pin.IsDowngraded)
        {
            record.Warn($"only crash-consistent: {pin.ConsistencyReason}");
        }

        string guide = RestoreGuide.Write(domain, pending.Id, hostName, archiveName, job.Disks);
        foreach ((string name, string text) in Texts(domain, guide))
        {
            members.Add(await writer.AddAsync(
                $"{domain.Name.FileName}/{name}", Encoding.UTF8.GetBytes(text), cancellationToken));
        }

        foreach (AuxiliaryFile auxiliary in domain.Files)
        {
            using FileExtentSource source = FileExtentSource.Open(auxiliary.SourcePath);
            members.Add(await writer.AddAsync(
                $"{domain.Name.FileName}/{auxiliary.MemberName}", source, null, cancellationToken));
        }

        Tally tally = new(domain.Name, job.DataBytes, progress);
        await using (RoomGuard guard = RoomGuard.Watch(job.Overlays, time, cancellationToken))
        {
            foreach (TakenDisk disk in job.Disks)
            {
                disks.Add(await AddDiskAsync(writer, domain, disk, members, tally, guard));
                if (job.Overlays.Count > 0)
                {
                    await pin.ReleaseAsync(disk.Disk.Target);
                }
            }
        }

        ArchiveSummary summary = await writer.CompleteAsync(cancellationToken);
        string indexName = archiveName + IndexExtension;
        await using (FileStream index = pending.CreateFile(indexName))
        {
            await summary.Index.WriteToAsync(index, cancellationToken);
        }

        return new Manifest(
            Manifest.CurrentFormatVersion, ProgramName.Text, hostName, domain.Name, domain.Uuid, pending.Id, BackupKind.Full,
            domain.IsActive ? pin.Consistency : Consistency.Offline, pin.ConsistencyReason,
            record.StartedAt, time.GetUtcNow(), pin.FrozenFor,
            new ManifestArchive(
                archiveName, indexName, job.Settings.Compression.Method, summary.SizeBytes, summary.TarBytes, summary.Sha256),
            disks, job.Skipped, domain.Files, members, record.Warnings);
    }

    private async Task<ManifestDisk> AddDiskAsync(
        ArchiveWriter writer, DomainFacts domain, TakenDisk disk, List<ArchiveMember> members, Tally tally,
        RoomGuard guard)
    {
        List<ManifestLayer> layers = [];
        for (int depth = 0; depth < disk.Layers.Count; depth++)
        {
            ImageLayer layer = disk.Layers[depth];
            string memberName = disk.MemberName(depth);
            log.Information("{Domain}: reading {Member} from {Path}", domain.Name, memberName, layer.FilePath);
            using FileExtentSource source = FileExtentSource.Open(layer.FilePath);
            try
            {
                ArchiveMember member = await writer.AddAsync(
                    $"{domain.Name.FileName}/{memberName}", source, tally.Begin($"reading {memberName}"), guard.Token);
                members.Add(member);
                layers.Add(new ManifestLayer(
                    memberName, layer.Format, layer.FilePath, layer.IsBlockDevice, member.ContentSha256, member.SizeBytes));
            }
            catch (OperationCanceledException) when (guard.IsTight)
            {
                throw guard.Failure();
            }
        }

        return new ManifestDisk(disk.Disk.Target, BackupKind.Full, disk.Layers[0].VirtualSizeBytes, layers);
    }

    private static IEnumerable<(string Name, string Text)> Texts(DomainFacts domain, string guide) =>
    [
        ("RESTORE.md", guide),
        ("domain.xml", domain.Definition.Inactive),
        ("live.xml", domain.Definition.Live),
        ("migratable.xml", domain.Definition.Migratable),
    ];
}
