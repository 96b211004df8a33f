using System.Text;
using KvmBackup.Archiving;
using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Model;
using KvmBackup.Planning;
using KvmBackup.Storage;
using Microsoft.Win32.SafeHandles;
using Serilog;

namespace KvmBackup.Runs;

/// <summary>
/// Brings disks back, and the domain. Everything that speaks against it is found before the first byte is written, and no
/// file gets its name before all of them are whole.
/// </summary>
public sealed class RestoreRun(
    BackupDirectory target, RestorePreflight preflight, QemuImage images, DomainDefiner definer, TimeProvider time, ILogger log)
{
    private const int LargestXmlBytes = 16 << 20;

    /// <exception cref="KvmBackupException">Refused before the first write, or damaged; files are then as they were.</exception>
    public async Task<RestoreReport> RunAsync(
        RestoreRequest request, IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        DomainDirectory backups = target.ForDomain(request.Domain);
        CompletedBackup backup = backups.Find(request.IdPrefix);
        IReadOnlyList<ArchiveDamage> damages = BackupIntegrity.VerifyFiles(backup);
        DemandManifest(backup, damages);
        RestorePlan plan = RestorePlanner.Plan(backup.Manifest, request);
        RestoreFacts facts = await preflight.ExamineAsync(backup, plan, request, cancellationToken);
        RestoreReport report = new(
            backup.Domain, backup.Id, plan.Name, [], [.. facts.Kept.Select(file => file.FilePath)], false, false, 0,
            TimeSpan.Zero, [.. Warn(backups, backup, request), .. damages.Select(damage => $"{damage.File}: {damage.Reason}"), .. plan.Warnings],
            []);
        if (request.IsDryRun)
        {
            return report with { Commands = [.. DescribeCommands(plan, facts)] };
        }

        using SafeFileHandle handle = ArchiveFile.Open(backup.DirectoryPath, backup.Manifest.Archive);
        ArchiveReader reader = new(
            handle, await FindIndexAsync(handle, backup, damages, cancellationToken), backup.Manifest.Archive.Compression);
        string xml = await ReadXmlAsync(reader, backup.Manifest, cancellationToken);
        IReadOnlyList<string> warnings = await WriteAsync(reader, backup, facts, progress, cancellationToken);
        if (plan.Define)
        {
            await definer.DefineAsync(plan.Name, DomainXmlEditor.Apply(xml, plan.Edit), cancellationToken);
            log.Information("{Domain}: defined", plan.Name);
        }

        if (plan.Start)
        {
            await definer.StartAsync(plan.Name, cancellationToken);
            log.Information("{Domain}: started", plan.Name);
        }

        return report with
        {
            WrittenFiles = [.. facts.Written.Select(file => file.FilePath)],
            IsDefined = plan.Define,
            IsStarted = plan.Start,
            DataBytes = facts.DataBytes,
            Elapsed = time.GetElapsedTime(start),
            Warnings = [.. report.Warnings, .. warnings],
            Commands = plan.Define || request.Disk is not null ? [] : [RestoreAgainHint(request, backup)],
        };
    }

    /// <summary>Who asks for the newest must know when that is not what comes.</summary>
    private static IEnumerable<string> Warn(DomainDirectory backups, CompletedBackup backup, RestoreRequest request) =>
        request.IdPrefix is not null ? []
            : backups.List().FailedSince(backup).Select(entry => $"{entry.Name} is newer, but not usable: {entry.Reason}");

    /// <summary>It says what goes where: a path with one wrong letter would be written to like any other.</summary>
    private static void DemandManifest(CompletedBackup backup, IReadOnlyList<ArchiveDamage> damages)
    {
        if (damages.FirstOrDefault(damage => damage.File == BackupFiles.Manifest) is not { } damage)
        {
            return;
        }

        string archive = ShellWord.Quote(Path.Combine(backup.DirectoryPath, backup.Manifest.Archive.FileName));
        throw new RunsException(
            $"{backup.Domain}@{backup.Id}: {damage.File}: {damage.Reason}. Nothing was restored, for it says what goes where. "
            + $"Restore another backup, or this one by hand: tar -xSf {archive}, then follow RESTORE.md in it",
            ExitCode.DamageFound);
    }

    private async Task<ArchiveIndex> FindIndexAsync(
        SafeFileHandle handle, CompletedBackup backup, IReadOnlyList<ArchiveDamage> damages, CancellationToken cancellationToken)
    {
        (ArchiveIndex index, ArchiveDamage? damage) = await ArchiveFile.FindIndexAsync(
            handle, backup.DirectoryPath, backup.Manifest.Archive, damages, cancellationToken);
        if (damage is not null || damages.Any(other => other.File == backup.Manifest.Archive.IndexFileName))
        {
            log.Warning("{Domain}: the index was made again from the archive", backup.Domain);
        }

        return index;
    }

    private static async Task<string> ReadXmlAsync(
        ArchiveReader reader, Manifest manifest, CancellationToken cancellationToken)
    {
        ArchiveMember member = manifest.FindMember("domain.xml")
            ?? throw new RunsException("The backup holds no domain.xml.", ExitCode.DamageFound);
        return Encoding.UTF8.GetString(await reader.ReadSmallAsync(member, LargestXmlBytes, cancellationToken));
    }

    /// <returns>What qemu-img thinks of the images.</returns>
    private async Task<IReadOnlyList<string>> WriteAsync(
        ArchiveReader reader, CompletedBackup backup, RestoreFacts facts, IProgress<TransferProgress>? progress,
        CancellationToken cancellationToken)
    {
        Tally tally = new(backup.Domain, facts.DataBytes, progress);
        List<IRestoredDisk> open = [];
        try
        {
            foreach (RestoreFile file in facts.Written)
            {
                ArchiveMember member = backup.Manifest.FindMember(file.MemberName)!;
                log.Information("{Domain}: writing {Path}", backup.Domain, file.FilePath);
                IRestoredDisk disk = file.IsBlockDevice
                    ? RestoredDevice.Open(file.FilePath, member.SizeBytes, member.Extents)
                    : RestoredFile.Create(file.FilePath, member.SizeBytes);
                open.Add(disk);
                await reader.ExtractAsync(member, disk, tally.Begin($"writing {file.MemberName}"), cancellationToken);
                if (file.Backing is { } backing)
                {
                    await images.RebaseAsync(disk.WorkingPath, backing.Name, backing.Format, cancellationToken);
                }
            }

            foreach ((IRestoredDisk disk, RestoreFile file) in open.Zip(facts.Written))
            {
                disk.Commit(file.WhenExisting == ExistingFileRule.Replace);
            }
        }
        finally
        {
            foreach (IRestoredDisk disk in open)
            {
                await disk.DisposeAsync();
            }
        }

        return await CheckAsync(facts, cancellationToken);
    }

    private async Task<IReadOnlyList<string>> CheckAsync(RestoreFacts facts, CancellationToken cancellationToken)
    {
        List<string> warnings = [];
        foreach (RestoreFile file in facts.Written.Where(file => file is { IsQcow2: true, IsBlockDevice: false }))
        {
            try
            {
                await images.CheckAsync(file.FilePath, cancellationToken);
            }
            catch (DisksException failure)
            {
                // Every byte is as it was on the source, by its checksum: the image was so when it was backed up.
                warnings.Add($"{failure.Message}; the guest's own image was so when it was backed up");
            }
        }

        return warnings;
    }

    private static IEnumerable<string> DescribeCommands(RestorePlan plan, RestoreFacts facts)
    {
        foreach (RestoreFile file in facts.Written)
        {
            yield return $"write {file.FilePath} from {file.MemberName}";
            if (file.Backing is { } backing)
            {
                yield return QemuImage.RebaseCall(file.FilePath, backing.Name, backing.Format).ToString();
            }
        }

        if (plan.Define)
        {
            yield return "virsh define domain.xml";
        }

        if (plan.Start)
        {
            yield return $"virsh start --domain {ShellWord.Quote(plan.Name.Value)}";
        }
    }

    private static string RestoreAgainHint(RestoreRequest request, CompletedBackup backup) =>
        $"The domain is not defined. Its definition: tar -xOf "
        + ShellWord.Quote(Path.Combine(backup.DirectoryPath, backup.Manifest.Archive.FileName))
        + $" {ShellWord.Quote($"{backup.Domain.FileName}/domain.xml")}; or let --define do it the next time{(request.NewName is null ? string.Empty : ", with --as")}";
}
