using System.Text;
using KvmBackup.Ceph;
using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Planning;
using KvmBackup.Runs.Archives;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Restore;

/// <summary>
/// Restores disks and the domain. All obstacles are found before the first byte is written, and no file gets its final
/// name before all of them are complete.
/// </summary>
public sealed class RestoreRun(
    BackupDirectory target, RestorePreflight preflight, RestoreWriter writer, RestoreRecords records,
    DomainDefiner definer, ClusterKeys keys, TimeProvider time, ILogger log)
{
    private const int LargestXmlBytes = 16 << 20;

    /// <exception cref="KvmBackupException">Refused before the first write, or the backup is damaged; existing files
    /// are unchanged.</exception>
    public async Task<RestoreReport> RunAsync(
        RestoreRequest request, IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        try
        {
            return await RestoreAsync(request, progress, cancellationToken);
        }
        finally
        {
            keys.Forget();
        }
    }

    private async Task<RestoreReport> RestoreAsync(
        RestoreRequest request, IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        DomainDirectory backups = target.ForDomain(request.Domain);
        CompletedBackup backup = backups.Find(request.IdPrefix);
        using BackupReader open = await BackupReader.OpenAsync(backup, log, cancellationToken);
        RestorePlan plan = RestorePlanner.Plan(backup.Manifest, request);
        Dictionary<DiskTarget, ImageAssembly> assemblies = PlanAssemblies(backup, plan, backups);
        bool isImage = ImageIdentity.Find(backup.Manifest.Domain) is not null;
        string? xml = isImage ? null : Encoding.UTF8.GetString(
            await open.Reader.ReadSmallAsync(open.Member("domain.xml"), LargestXmlBytes, cancellationToken));
        await preflight.VerifyPathsAsync(open, request, xml, cancellationToken);

        // Before the free space is checked, which leftovers may occupy.
        foreach (string action in request.IsDryRun ? [] : await records.RemoveLeftAsync())
        {
            log.Information("{Domain}: {Action}", backup.Domain, action);
        }

        RestoreFacts facts = await preflight.ExamineAsync(backup, plan, assemblies, request, xml, cancellationToken);
        string[] warnings =
        [
            .. Warn(backups, backup, request),
            .. open.Damages.Select(damage => $"{damage.File}: {damage.Reason}"),
            .. plan.Warnings,
            .. plan.Define && xml is not null ? DefinitionRisks.Find(xml, BackedUpOrSkipped(backup.Manifest)) : [],
            .. MappedRestore.Warn(plan, facts.Images, xml),
            .. facts.Replaced?.Warnings ?? [],
            .. facts.LinkWarnings,
            .. facts.Host.Warnings,
        ];
        RestoreReport report = new(
            backup.Domain, backup.Id, plan.Name, [], [.. facts.Kept.Select(file => file.FilePath)], false, false, 0,
            TimeSpan.Zero, warnings, []);
        SavedNetworks networks = new(definer.Definitions, log);
        if (request.IsDryRun)
        {
            return report with
            {
                Commands =
                [
                    .. networks.Describe(facts.Host.Created),
                    .. DescribeCommands(backup.Manifest, plan, facts, xml, definer.CommandLine),
                ],
            };
        }

        List<string> snapshots = [];
        foreach (ManifestSnapshot snapshot in plan.Snapshots)
        {
            snapshots.Add(Encoding.UTF8.GetString(await open.Reader.ReadSmallAsync(
                open.Member(snapshot.FileName), LargestXmlBytes, cancellationToken)));
        }

        IReadOnlyList<string> created = await networks.CreateAsync(open, facts.Host.Created, cancellationToken);
        RestoredDefinition definition = new(definer, backup, plan, request, facts.Replaced, snapshots, log);
        IReadOnlyList<string> fileWarnings = await writer.WriteAsync(
            open, facts, assemblies, definition.DiscardSavedAsync, progress, cancellationToken);
        await definition.RefreshPoolsAsync(xml);
        await definition.ApplyAsync(xml, cancellationToken);
        return report with
        {
            WrittenFiles =
            [
                .. facts.Written.Select(file => file.FilePath),
                .. facts.Images.Select(image => image.Plan.ToString()),
            ],
            IsDefined = plan.Define,
            IsStarted = plan.Start,
            DataBytes = facts.DataBytes,
            Elapsed = time.GetElapsedTime(start),
            Warnings = [.. report.Warnings, .. created, .. fileWarnings, .. definition.Notes],
            Commands = isImage || plan.Define || request.Disk is not null ? []
                : [RestoreAgainHint(request, backup, facts.Replaced)],
            IsAutostarted = definition.IsAutostarted,
            StartCommand = plan.Define && !plan.Start ? definition.StartCommand : null,
        };
    }

    private static List<DiskTarget> BackedUpOrSkipped(Manifest manifest) =>
        [.. manifest.Disks.Select(disk => disk.Target), .. manifest.SkippedDisks.Select(disk => disk.Target)];

    private static Dictionary<DiskTarget, ImageAssembly> PlanAssemblies(
        CompletedBackup backup, RestorePlan plan, DomainDirectory backups)
    {
        IReadOnlyList<CompletedBackup> all = backups.List().Backups;
        return plan.Files.Select(file => file.Assembled).OfType<DiskTarget>()
            .Concat(plan.Images.Where(image => image.Form == DiskForm.Chain).Select(image => image.Disk.Target))
            .ToDictionary(target => target, target => ImageAssembly.Plan(backup, target, all));
    }

    /// <summary>Warns when the newest backup is unusable.</summary>
    private static IEnumerable<string> Warn(DomainDirectory backups, CompletedBackup backup, RestoreRequest request) =>
        request.IdPrefix is not null ? []
            : backups.List().FindNewerFailures(backup)
                .Select(entry => $"{entry.Name} is newer, but unusable: {entry.Reason}");

    private static IEnumerable<string> DescribeCommands(
        Manifest manifest, RestorePlan plan, RestoreFacts facts, string? xml, string virsh)
    {
        foreach (RestoreFile file in facts.Written)
        {
            yield return $"write {file.FilePath} from {file.MemberName}";
            if (file.Backing is { } backing)
            {
                yield return QemuImage.RebaseCall(file.FilePath, backing.Name, backing.Format).ToString();
            }
        }

        foreach (PlacedImage image in facts.Images)
        {
            RbdLocation partial = image.Location with { Image = RestoredImage.PartialOf(image.Location.Image) };
            yield return RbdClient.CreateImageCall(partial, image.Plan.SizeBytes).ToString();
            yield return $"write {RbdDestination.Prefix}{partial} from {image.Plan.Disk.Layers[0].FileName}";
            RbdLocation replaced = image.Location with { Image = RestoredImage.ReplacedOf(image.Location.Image) };
            if (image.Replaces)
            {
                yield return RbdImageStore.RenameCall(image.Location, replaced.Image).ToString();
            }

            yield return RbdImageStore.RenameCall(partial, image.Location.Image).ToString();
            if (image.Replaces)
            {
                yield return RbdClient.RemoveImageCall(replaced).ToString();
            }
        }

        foreach (string command in RestoredDefinition.Describe(manifest, plan, xml, facts.Replaced, virsh))
        {
            yield return command;
        }
    }

    private static string RestoreAgainHint(RestoreRequest request, CompletedBackup backup, ReplacedDomain? existing)
    {
        string archive = ShellWord.Quote(Path.Combine(backup.DirectoryPath, backup.Manifest.Archive.FileName));
        string member = ShellWord.Quote($"{backup.Manifest.Domain.FileName}/domain.xml");
        return (existing is null ? "No domain was defined."
                : $"The definition of {existing.Identity.Name} is unchanged.")
            + $" The backup's definition: `tar -xOf {archive} {member}` ; or use --define the next time"
            + (request.NewName is null ? string.Empty : ", with --as");
    }
}
