using KvmBackup.Archiving;
using KvmBackup.Archiving.Primitives;
using KvmBackup.Archiving.Tar;
using KvmBackup.Disks;
using KvmBackup.Journaling;
using KvmBackup.Planning;
using KvmBackup.Runs.Archives;
using KvmBackup.Runs.Transfer;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Restore;

/// <summary>
/// Extracts the readable parts of a damaged backup: every disk and file into a folder, with zeros for lost bytes and a
/// list of them. Incomplete files get the extension <see cref="DamagedExtension"/>.
/// </summary>
public sealed class SalvageRun(
    BackupDirectory target, ImageSalvage images, RestoreRecords records, TimeProvider time, ILogger log)
{
    /// <summary>The extension of an incomplete file.</summary>
    public const string DamagedExtension = ".damaged";

    /// <param name="request">The backup, an optional disk, and the folder.</param>
    /// <exception cref="KvmBackupException">The backup is unreadable, or the folder is not writable.</exception>
    public async Task<SalvageReport> RunAsync(
        RestoreRequest request, IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        DomainDirectory backups = target.ForDomain(request.Domain);
        foreach (string action in await records.RemoveLeftAsync())
        {
            log.Information("{Domain}: {Action}", request.Domain, action);
        }

        if (backups.FindWithoutManifest(request.IdPrefix) is { } remains)
        {
            List<string> doubts = [];
            TransferMonitor bytes = new(request.Domain, 0, progress);
            using OpenRestore? bare = records.Open(request.Domain, remains.Id);
            return new SalvageReport(
                request.Domain, remains.Id,
                await new SalvageWithoutManifest(log).RunAsync(
                    remains, request, doubts, bare, bytes, cancellationToken),
                doubts,
                time.GetElapsedTime(start));
        }

        CompletedBackup backup = backups.FindToVerify(request.IdPrefix);
        using BackupReader open = await BackupReader.OpenDamagedAsync(backup, log, cancellationToken);
        RestorePlan plan = RestorePlanner.Plan(backup.Manifest, request);
        TransferMonitor monitor = new(backup.Domain, backup.Manifest.Members.Sum(member => member.DataBytes), progress);
        using OpenRestore? record = records.Open(backup.Domain, backup.Id);
        List<SalvagedFile> files = [];
        List<string> notes = [.. open.Damages.Select(damage => $"{damage.File}: {damage.Reason}")];
        foreach ((string name, string path) in Documents(backup, plan, request))
        {
            try
            {
                files.Add(await WriteAsync(open.Reader, open.Member(name), path, record, monitor, cancellationToken));
            }
            catch (ArchivingException failure)
            {
                notes.Add($"{path} was not written: {failure.Message}");
            }
        }

        foreach (RestoreFile file in plan.Files)
        {
            Refuse(file.FilePath);
            try
            {
                files.Add(file.Assembled is { } disk
                    ? await images.WriteAsync(
                        backup, open, disk, file.FilePath, record, backups.ListToVerify().Backups, monitor,
                        cancellationToken)
                    : await WriteAsync(
                        open.Reader, open.Member(file.MemberName), file.FilePath, record, monitor, cancellationToken));
            }
            catch (KvmBackupException failure) when (failure is not DisksException)
            {
                notes.Add($"{file.FilePath} was not written: {failure.Message}");
            }
        }

        return new SalvageReport(backup.Domain, backup.Id, files, notes, time.GetElapsedTime(start));
    }

    /// <summary>Writes the readable parts of one member.</summary>
    internal static async Task<SalvagedFile> WriteAsync(
        ArchiveReader reader, ArchiveMember member, string filePath, IRestoreRecord? record, TransferMonitor monitor,
        CancellationToken cancellationToken)
    {
        Refuse(filePath);
        await using RestoredFile disk = RestoredFile.Create(filePath, member.SizeBytes, record);
        SalvagedMember salvaged =
            await reader.SalvageAsync(member, disk, monitor.Begin($"reading {member.Name}"), cancellationToken);

        // Without a manifest there is no checksum of the content: those of the chunks must suffice.
        bool isComplete = member.ContentXxh128.Length == 0
            ? salvaged.Missing.Count + salvaged.Unproven.Count == 0 : salvaged.IsComplete;
        return Finish(disk,
            new SalvagedFile(
                filePath, member.SizeBytes, isComplete, salvaged.Missing)
            { Unproven = salvaged.Unproven });
    }

    /// <summary>The documents, which a normal restore reads but does not write.</summary>
    private static IEnumerable<(string Name, string Path)> Documents(
        CompletedBackup backup, RestorePlan plan, RestoreRequest request)
    {
        HashSet<string> planned = [.. plan.Files.Select(file => file.MemberName)];
        return request.Disk is not null ? []
            : backup.Manifest.Members
                .Select(member => member.Name[(member.Name.IndexOf('/', StringComparison.Ordinal) + 1)..])
                .Where(name => !planned.Contains(name) && !name.Contains('/', StringComparison.Ordinal))
                .Select(name => (name, Path.Combine(request.TargetDirectory!, $"{backup.Domain.FileName}-{name}")));
    }

    /// <summary>Gives a file its final name, with the extension for incomplete files, in one step.</summary>
    internal static SalvagedFile Finish(RestoredFile disk, SalvagedFile file)
    {
        string filePath = file.IsIntact ? file.FilePath : file.FilePath + DamagedExtension;
        disk.CommitAs(filePath, replace: false);
        return file with { FilePath = filePath };
    }

    private static void Refuse(string filePath)
    {
        foreach (string path in new[] { filePath, filePath + DamagedExtension }.Where(Path.Exists))
        {
            throw new RunsException($"{path} exists: specify another folder, or move it away.", ExitCode.Usage);
        }
    }
}
