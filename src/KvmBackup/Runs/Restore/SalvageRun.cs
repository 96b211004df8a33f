using KvmBackup.Archiving;
using KvmBackup.Archiving.Tar;
using KvmBackup.Disks;
using KvmBackup.Planning;
using KvmBackup.Runs.Archives;
using KvmBackup.Runs.Transfer;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Restore;

/// <summary>
/// Gets out of a damaged backup whatever can still be read: every disk and file into a folder, with zeros where bytes are lost
/// and a list of them. What is not whole bears a name that says so.
/// </summary>
public sealed class SalvageRun(BackupDirectory target, ImageSalvage images, TimeProvider time, ILogger log)
{
    /// <summary>The ending of a file that is not whole.</summary>
    public const string DamagedExtension = ".damaged";

    /// <param name="request">Which backup, whether one disk only, and into which folder.</param>
    /// <exception cref="KvmBackupException">Nothing can be read of it, or the folder takes no files.</exception>
    public async Task<SalvageReport> RunAsync(
        RestoreRequest request, IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        DomainDirectory backups = target.ForDomain(request.Domain);
        if (backups.FindBare(request.IdPrefix) is { } remains)
        {
            List<string> doubts = [];
            TransferMonitor bytes = new(request.Domain, 0, progress);
            return new SalvageReport(
                request.Domain, remains.Id, await new SalvageWithoutManifest(log).RunAsync(remains, request, doubts, bytes, cancellationToken), doubts,
                time.GetElapsedTime(start));
        }

        CompletedBackup backup = backups.FindToVerify(request.IdPrefix);
        using BackupReader open = await BackupReader.OpenDamagedAsync(backup, log, cancellationToken);
        RestorePlan plan = RestorePlanner.Plan(backup.Manifest, request);
        TransferMonitor monitor = new(backup.Domain, backup.Manifest.Members.Sum(member => member.DataBytes), progress);
        List<SalvagedFile> files = [];
        List<string> notes = [.. open.Damages.Select(damage => $"{damage.File}: {damage.Reason}")];
        foreach ((string name, string path) in Documents(backup, plan, request))
        {
            try
            {
                files.Add(await WriteAsync(open.Reader, open.Member(name), path, monitor, cancellationToken));
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
                    ? await images.WriteAsync(backup, open, disk, file.FilePath, backups.ListToVerify().Backups, monitor, cancellationToken)
                    : await WriteAsync(open.Reader, open.Member(file.MemberName), file.FilePath, monitor, cancellationToken));
            }
            catch (KvmBackupException failure) when (failure is not DisksException)
            {
                notes.Add($"{file.FilePath} was not written: {failure.Message}");
            }
        }

        return new SalvageReport(backup.Domain, backup.Id, files, notes, time.GetElapsedTime(start));
    }

    /// <summary>Writes what can be had of one member.</summary>
    internal static async Task<SalvagedFile> WriteAsync(
        ArchiveReader reader, ArchiveMember member, string filePath, TransferMonitor monitor, CancellationToken cancellationToken)
    {
        Refuse(filePath);
        await using RestoredFile disk = RestoredFile.Create(filePath, member.SizeBytes);
        SalvagedMember salvaged = await reader.SalvageAsync(member, disk, monitor.Begin($"reading {member.Name}"), cancellationToken);

        // Without a manifest there is no checksum of the content: that of the chunks must do.
        bool isWhole = member.ContentXxh128.Length == 0
            ? salvaged.Missing.Count + salvaged.Unproven.Count == 0 : salvaged.IsComplete;
        return Finish(disk, new SalvagedFile(filePath, member.SizeBytes, isWhole, salvaged.Missing) { Unproven = salvaged.Unproven });
    }

    /// <summary>The documents: a restore reads them, and does not write them.</summary>
    private static IEnumerable<(string Name, string Path)> Documents(CompletedBackup backup, RestorePlan plan, RestoreRequest request)
    {
        HashSet<string> planned = [.. plan.Files.Select(file => file.MemberName)];
        return request.Disk is not null ? []
            : backup.Manifest.Members.Select(member => member.Name[(member.Name.IndexOf('/', StringComparison.Ordinal) + 1)..])
                .Where(name => !planned.Contains(name) && !name.Contains('/', StringComparison.Ordinal))
                .Select(name => (name, Path.Combine(request.TargetDirectory!, $"{backup.Domain.FileName}-{name}")));
    }

    /// <summary>Gives a file its name, which says whether it is whole.</summary>
    internal static SalvagedFile Finish(RestoredFile disk, SalvagedFile file)
    {
        disk.Commit(replace: false);
        if (file.IsWhole)
        {
            return file;
        }

        string damagedPath = file.FilePath + DamagedExtension;
        File.Move(file.FilePath, damagedPath);
        return file with { FilePath = damagedPath };
    }

    private static void Refuse(string filePath)
    {
        foreach (string path in new[] { filePath, filePath + DamagedExtension }.Where(Path.Exists))
        {
            throw new RunsException($"{path} exists: name another folder, or move it away.", ExitCode.Usage);
        }
    }
}
