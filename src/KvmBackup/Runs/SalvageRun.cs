using KvmBackup.Disks;
using KvmBackup.Model;
using KvmBackup.Planning;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs;

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
        CompletedBackup backup = backups.FindToVerify(request.IdPrefix);
        using OpenBackup open = await OpenBackup.OpenDamagedAsync(backup, log, cancellationToken);
        RestorePlan plan = RestorePlanner.Plan(backup.Manifest, request);
        Tally tally = new(backup.Domain, backup.Manifest.Members.Sum(member => member.DataBytes), progress);
        List<SalvagedFile> files = [];
        List<string> notes = [.. open.Damages.Select(damage => $"{damage.File}: {damage.Reason}")];
        foreach (RestoreFile file in plan.Files)
        {
            Refuse(file.FilePath);
            try
            {
                files.Add(file.Assembled is { } disk
                    ? await images.WriteAsync(backup, open, disk, file.FilePath, backups.ListToVerify().Backups, tally, cancellationToken)
                    : await WriteAsync(open, file, tally, cancellationToken));
            }
            catch (KvmBackupException failure) when (failure is not DisksException)
            {
                notes.Add($"{file.FilePath} was not written: {failure.Message}");
            }
        }

        return new SalvageReport(backup.Domain, backup.Id, files, notes, time.GetElapsedTime(start));
    }

    private static async Task<SalvagedFile> WriteAsync(
        OpenBackup open, RestoreFile file, Tally tally, CancellationToken cancellationToken)
    {
        ArchiveMember member = open.Member(file.MemberName);
        await using RestoredFile disk = RestoredFile.Create(file.FilePath, member.SizeBytes);
        (IReadOnlyList<Extent> missing, bool isWhole) = await open.Reader.SalvageAsync(
            member, disk, tally.Begin($"reading {file.MemberName}"), cancellationToken);
        return Finish(disk, new SalvagedFile(file.FilePath, member.SizeBytes, isWhole, missing));
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
