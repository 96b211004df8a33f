using System.Text;
using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Model;
using KvmBackup.Planning;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs;

/// <summary>
/// Brings disks back, and the domain. Everything that speaks against it is found before the first byte is written, and no
/// file gets its name before all of them are whole.
/// </summary>
public sealed class RestoreRun(
    BackupDirectory target, RestorePreflight preflight, QemuImage images, DomainDefiner definer, ImageAssembler assembler,
    TimeProvider time, ILogger log)
{
    private const int LargestXmlBytes = 16 << 20;

    /// <exception cref="KvmBackupException">Refused before the first write, or damaged; files are then as they were.</exception>
    public async Task<RestoreReport> RunAsync(
        RestoreRequest request, IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        DomainDirectory backups = target.ForDomain(request.Domain);
        CompletedBackup backup = backups.Find(request.IdPrefix);
        using OpenBackup open = await OpenBackup.OpenAsync(backup, log, cancellationToken);
        RestorePlan plan = RestorePlanner.Plan(backup.Manifest, request);
        IReadOnlyList<CompletedBackup> all = backups.List().Backups;
        Dictionary<DiskTarget, ImageAssembly> assemblies = plan.Files.Select(file => file.Assembled).OfType<DiskTarget>()
            .ToDictionary(target => target, target => ImageAssembly.Plan(backup, target, all));
        RestoreFacts facts = await preflight.ExamineAsync(backup, plan, assemblies, request, cancellationToken);
        RestoreReport report = new(
            backup.Domain, backup.Id, plan.Name, [], [.. facts.Kept.Select(file => file.FilePath)], false, false, 0,
            TimeSpan.Zero, [.. Warn(backups, backup, request), .. open.Damages.Select(damage => $"{damage.File}: {damage.Reason}"), .. plan.Warnings],
            []);
        if (request.IsDryRun)
        {
            return report with { Commands = [.. DescribeCommands(plan, facts)] };
        }

        bool isImage = ImageIdentity.Find(backup.Domain) is not null;
        byte[] xml = isImage ? [] : await open.Reader.ReadSmallAsync(open.Member("domain.xml"), LargestXmlBytes, cancellationToken);
        IReadOnlyList<string> warnings = await WriteAsync(open, facts, assemblies, progress, cancellationToken);
        if (plan.Define)
        {
            await definer.DefineAsync(plan.Name, DomainXmlEditor.Apply(Encoding.UTF8.GetString(xml), plan.Edit), cancellationToken);
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
            Commands = isImage || plan.Define || request.Disk is not null ? [] : [RestoreAgainHint(request, backup)],
        };
    }

    /// <summary>Who asks for the newest must know when that is not what comes.</summary>
    private static IEnumerable<string> Warn(DomainDirectory backups, CompletedBackup backup, RestoreRequest request) =>
        request.IdPrefix is not null ? []
            : backups.List().FailedSince(backup).Select(entry => $"{entry.Name} is newer, but not usable: {entry.Reason}");

    /// <returns>What qemu-img thinks of the images.</returns>
    private async Task<IReadOnlyList<string>> WriteAsync(
        OpenBackup backup, RestoreFacts facts, Dictionary<DiskTarget, ImageAssembly> assemblies,
        IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        DomainName domain = backup.Backup.Domain;
        Tally tally = new(domain, facts.DataBytes, progress);
        List<IRestoredDisk> open = [];
        try
        {
            foreach (RestoreFile file in facts.Written)
            {
                ArchiveMember member = backup.Member(file.MemberName);
                ImageAssembly? assembly = file.Assembled is { } target ? assemblies[target] : null;
                log.Information("{Domain}: writing {Path}", domain, file.FilePath);
                IRestoredDisk disk = file.IsBlockDevice
                    ? RestoredDevice.Open(file.FilePath, member.SizeBytes, member.Extents)
                    : RestoredFile.Create(file.FilePath, assembly?.SizeBytes ?? member.SizeBytes);
                open.Add(disk);
                await (assembly is null
                    ? backup.Reader.ExtractAsync(member, disk, tally.Begin($"writing {file.MemberName}"), cancellationToken)
                    : assembler.WriteAsync(assembly, disk, tally, cancellationToken));
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
