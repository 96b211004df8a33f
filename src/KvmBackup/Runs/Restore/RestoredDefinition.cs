using KvmBackup.Hypervisor;
using KvmBackup.Planning;
using Serilog;

namespace KvmBackup.Runs.Restore;

/// <summary>The end of a restore: what libvirt is told of the domain, once its disks are whole.</summary>
/// <param name="definer">Tells it.</param>
/// <param name="backup">What is restored.</param>
/// <param name="plan">How it goes.</param>
/// <param name="request">What the operator wants.</param>
/// <param name="replaced">The domain that is there already; null when there is none.</param>
/// <param name="log">Told what happens.</param>
public sealed class RestoredDefinition(
    DomainDefiner definer, CompletedBackup backup, RestorePlan plan, RestoreRequest request, ReplacedDomain? replaced, ILogger log)
{
    private readonly List<string> notes = [];

    /// <summary>What an operator should know.</summary>
    public IReadOnlyList<string> Notes => notes;

    /// <summary>The domain is started with the host.</summary>
    public bool IsAutostarted { get; private set; }

    /// <summary>The commands in the place of which this stands, for a dry run.</summary>
    public static IEnumerable<string> Describe(Manifest manifest, RestorePlan plan, ReplacedDomain? replaced)
    {
        string name = ShellWord.Quote(plan.Name.Value);
        if (replaced is { IsSaved: true })
        {
            yield return $"virsh managedsave-remove --domain {replaced.Identity.Uuid}";
        }

        if (plan.Define)
        {
            yield return "virsh define domain.xml";
            if (WantedAutostart(manifest, plan, replaced) is { } isOn)
            {
                yield return $"virsh autostart {(isOn ? string.Empty : "--disable ")}--domain {name}";
            }
        }

        if (plan.Start)
        {
            yield return $"virsh start --domain {name}";
        }
    }

    /// <summary>Lets the saved memory of the replaced guest go: from now on nothing resumes it on the restored disks.</summary>
    public async Task DiscardSavedAsync()
    {
        if (replaced is { IsSaved: true })
        {
            await definer.Saved.RemoveAsync(replaced.Identity, CancellationToken.None);
            if (!plan.Start && await definer.Saved.ExistsAsync(replaced.Identity, CancellationToken.None))
            {
                throw new RunsException(
                    $"{replaced.Identity.Name}: nothing was restored: the saved memory of an earlier guest of that name is still there "
                    + $"after virsh managedsave-remove. To discard it: virsh start --force-boot --paused {replaced.Identity.Uuid} ; "
                    + $"virsh destroy {replaced.Identity.Uuid}");
            }

            notes.Add($"the saved memory of {replaced.Identity.Name} was discarded, as --discard-saved-state said");
            log.Information("{Domain}: its saved memory was discarded", replaced.Identity.Name);
        }
    }

    /// <summary>Defines the domain, and starts it, as far as the plan wants it.</summary>
    /// <param name="xml">The backup's definition.</param>
    /// <param name="cancellationToken">Ends it between two steps.</param>
    /// <exception cref="KvmBackupException">The disks are restored; the message says what the domain lacks.</exception>
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

        // An undefined domain of that name may have left an image that libvirt tells of only now.
        bool isSaved = await definer.Saved.ExistsAsync(plan.Name, cancellationToken);
        if (isSaved && !(plan.Start && request.DiscardsSavedState))
        {
            throw new RunsException(
                $"{plan.Name}: its disks are restored and it is defined, but not started: libvirt still keeps the saved memory of an "
                + "earlier guest of that name, and a plain virsh start would resume that memory on the restored disks and destroy them. "
                + $"To discard it and start the guest: virsh start --force-boot --domain {ShellWord.Quote(plan.Name.Value)}",
                ExitCode.ManualActionRequired);
        }

        if (plan.Start)
        {
            await definer.StartAsync(plan.Name, discardsSaved: isSaved, cancellationToken);
            log.Information("{Domain}: started", plan.Name);
            notes.AddRange(!isSaved ? [] :
                [$"the saved memory of an earlier guest named {plan.Name} was discarded, as --discard-saved-state said"]);
        }
    }

    /// <summary>What the backed-up guest had; null leaves it, for a copy and for a backup that does not tell.</summary>
    private static bool? WantedAutostart(Manifest manifest, RestorePlan plan, ReplacedDomain? replaced) =>
        plan.Edit.NewName is not null || (replaced is null && manifest.Autostart is false) ? null : manifest.Autostart;
}
