using KvmBackup.Hypervisor;
using KvmBackup.Planning;
using Serilog;

namespace KvmBackup.Runs.Restore;

/// <summary>The last part of a restore: defines and starts the domain when its disks are complete.</summary>
/// <param name="definer">Defines and starts domains.</param>
/// <param name="backup">The backup.</param>
/// <param name="plan">The plan of the restore.</param>
/// <param name="request">The operator's request.</param>
/// <param name="replaced">The existing domain; null when there is none.</param>
/// <param name="snapshots">The XML of the plan's snapshots, in their order.</param>
/// <param name="log">The log.</param>
public sealed class RestoredDefinition(
    DomainDefiner definer, CompletedBackup backup, RestorePlan plan, RestoreRequest request, ReplacedDomain? replaced,
    IReadOnlyList<string> snapshots, ILogger log)
{
    private readonly List<string> notes = [];

    /// <summary>Notes for the report.</summary>
    public IReadOnlyList<string> Notes => notes;

    /// <summary>Whether the domain starts with the host.</summary>
    public bool IsAutostarted { get; private set; }

    /// <summary>The command that starts the domain.</summary>
    public string StartCommand => $"{definer.CommandLine} start --domain {ShellWord.Quote(plan.Name.Value)}";

    /// <summary>The equivalent commands, for a dry run.</summary>
    public static IEnumerable<string> Describe(
        Manifest manifest, RestorePlan plan, string? xml, ReplacedDomain? replaced, string virsh)
    {
        foreach (string pool in PoolsIn(xml, plan))
        {
            yield return $"{virsh} pool-refresh --pool {ShellWord.Quote(pool)}";
        }

        string name = ShellWord.Quote(plan.Name.Value);
        if (replaced is { IsSaved: true })
        {
            yield return $"{virsh} managedsave-remove --domain {replaced.Identity.Uuid}";
        }

        if (plan.Define)
        {
            yield return $"{virsh} define domain.xml";
            if (WantedAutostart(manifest, plan, replaced) is { } isOn)
            {
                yield return $"{virsh} autostart {(isOn ? string.Empty : "--disable ")}--domain {name}";
            }
        }

        foreach (ManifestSnapshot snapshot in plan.Snapshots)
        {
            yield return $"{virsh} snapshot-create --domain {name} --xmlfile {snapshot.FileName} --redefine"
                + (snapshot.IsCurrent ? " --current" : string.Empty);
        }

        if (plan.Start)
        {
            yield return $"{virsh} start --domain {name}";
        }
    }

    /// <summary>
    /// Removes the saved memory of the replaced guest, so that no start resumes it on the restored disks.
    /// </summary>
    public async Task DiscardSavedAsync()
    {
        if (replaced is { IsSaved: true })
        {
            await definer.Saved.RemoveAsync(replaced.Identity, CancellationToken.None);
            if (!plan.Start && await definer.Saved.ExistsAsync(replaced.Identity, CancellationToken.None))
            {
                throw new RunsException(
                    $"{replaced.Identity.Name}: nothing was restored: the saved memory of an earlier guest of that "
                        + $"name is still there after virsh managedsave-remove. To discard it: `{definer.CommandLine} "
                        + $"start --force-boot --paused {replaced.Identity.Uuid} && {definer.CommandLine} destroy "
                        + $"{replaced.Identity.Uuid}`");
            }

            notes.Add($"the saved memory of {replaced.Identity.Name} was discarded (--discard-saved-state)");
            log.Information("{Domain}: its saved memory was discarded", replaced.Identity.Name);
        }
    }

    /// <summary>Makes libvirt read the pools of restored volumes, so that the guest can start from them.</summary>
    public async Task RefreshPoolsAsync(string? xml)
    {
        foreach (string pool in PoolsIn(xml, plan))
        {
            try
            {
                await definer.Pools.RefreshAsync(pool, CancellationToken.None);
            }
            catch (KvmBackupException failure)
            {
                // An inactive pool is read when it starts.
                log.Warning("{Message}", failure.Message);
                notes.Add(
                    $"{failure.Message.TrimEnd('.')}; when the pool is active: "
                        + $"`{definer.Pools.RefreshCall(pool)}`");
            }
        }
    }

    private static IEnumerable<string> PoolsIn(string? xml, RestorePlan plan) => xml is null || !plan.Edit.KeepsVolumes
        ? []
        : plan.Edit.DiskPaths.Keys.Select(target => DomainXml.DiskVolume(xml, target)?.Pool).OfType<string>()
            .Distinct();

    /// <summary>Defines the domain and starts it, according to the plan.</summary>
    /// <param name="xml">The definition in the backup.</param>
    /// <param name="cancellationToken">Cancels between two steps.</param>
    /// <exception cref="KvmBackupException">The disks are restored, but a later step failed.</exception>
    public async Task ApplyAsync(string? xml, CancellationToken cancellationToken)
    {
        if (!plan.Define || xml is null)
        {
            return;
        }

        DomainEdit edit = plan.Edit with { CopyUuid = replaced?.Identity.Uuid };
        await definer.DefineAsync(plan.Name, DomainXmlEditor.Apply(xml, edit), cancellationToken);
        log.Information("{Domain}: defined", plan.Name);
        if (WantedAutostart(backup.Manifest, plan, replaced) is { } isOn)
        {
            await definer.SetAutostartAsync(plan.Name, isOn, cancellationToken);
            IsAutostarted = isOn;
        }

        await DefineSnapshotsAsync(cancellationToken);

        // An undefined domain of that name may have left a memory image, which libvirt reports only after the define.
        bool isSaved = await definer.Saved.ExistsAsync(plan.Name, cancellationToken);
        if (isSaved && !(plan.Start && request.DiscardsSavedState))
        {
            throw new RunsException(
                $"{plan.Name}: the disks are restored and the domain is defined, but not started: libvirt still has "
                    + $"the saved memory of an earlier guest of that name, and a plain virsh start would resume that "
                    + $"memory on the restored disks and destroy them. To discard it and start the guest: "
                    + $"`{definer.CommandLine} start --force-boot --domain {ShellWord.Quote(plan.Name.Value)}`",
                ExitCode.ManualActionRequired);
        }

        if (plan.Start)
        {
            await StartAsync(isSaved, cancellationToken);
            log.Information("{Domain}: started", plan.Name);
            notes.AddRange(!isSaved ? [] :
                [$"the saved memory of an earlier guest named {plan.Name} was discarded (--discard-saved-state)"]);
        }
    }

    // The guest runs without them, so a refusal is a warning. The children of a refused one are refused, too.
    private async Task DefineSnapshotsAsync(CancellationToken cancellationToken)
    {
        foreach ((ManifestSnapshot snapshot, string xml) in plan.Snapshots.Zip(snapshots))
        {
            try
            {
                await definer.DefineSnapshotAsync(plan.Name, snapshot, xml, cancellationToken);
            }
            catch (KvmBackupException failure)
            {
                notes.Add($"{failure.Message}. Its record is in {snapshot.FileName} of the archive");
            }
        }
    }

    /// <summary>A failed start does not require another restore: the message states how the guest is started.</summary>
    private async Task StartAsync(bool isSaved, CancellationToken cancellationToken)
    {
        try
        {
            await definer.StartAsync(plan.Name, discardsSaved: isSaved, cancellationToken);
        }
        catch (HypervisorException failure)
        {
            throw new RunsException(
                $"{plan.Name}: the disks are restored and the domain is defined, but {failure.Message.TrimEnd('.')}. "
                    + $"Remove the cause, then start it: `{definer.CommandLine} start "
                    + $"{(isSaved ? "--force-boot " : string.Empty)}--domain {ShellWord.Quote(plan.Name.Value)}`",
                failure.ExitCode, failure);
        }
    }

    /// <summary>
    /// The autostart of the backed-up guest; null keeps the current one, for a copy and for a backup without this
    /// information.
    /// </summary>
    private static bool? WantedAutostart(Manifest manifest, RestorePlan plan, ReplacedDomain? replaced) =>
        plan.Edit.NewName is not null || (replaced is null && manifest.Autostart is false) ? null : manifest.Autostart;
}
