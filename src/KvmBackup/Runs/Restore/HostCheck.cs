using KvmBackup.Hypervisor;
using KvmBackup.Planning;

namespace KvmBackup.Runs.Restore;

/// <summary>Compares what a restored definition requires with what this host has.</summary>
public sealed class HostCheck(HostDefinitions definitions, HostResources resources)
{
    /// <param name="backup">The backup.</param>
    /// <param name="plan">The plan of the restore.</param>
    /// <param name="request">The operator's request.</param>
    /// <param name="xml">The definition in the backup; null for an image without a guest.</param>
    /// <param name="cancellationToken">Cancels the queries.</param>
    /// <exception cref="HypervisorException">The definition cannot be read.</exception>
    public async Task<HostFindings> ExamineAsync(
        CompletedBackup backup, RestorePlan plan, RestoreRequest request, string? xml,
        CancellationToken cancellationToken)
    {
        if (!plan.Define || xml is null)
        {
            return HostFindings.None;
        }

        string definition = DomainXmlEditor.Apply(xml, plan.Edit);
        HostRequirement[] required =
            [.. DomainRequirements.Find(definition).Where(one => !IsRestored(one, backup.Manifest))];
        List<string> refusals = [.. RefuseUnknownNetworks(xml, request)];
        List<string> missing = [];
        List<SavedDefinition> created = [];
        refusals.AddRange(await RefuseMachineAsync(definition, cancellationToken));
        foreach (IGrouping<RequirementKind, HostRequirement> group in required
            .Where(one => HostDefinitions.IsKept(one.Kind)).GroupBy(one => one.Kind))
        {
            await ExamineKindAsync(group, backup, request, refusals, missing, created, cancellationToken);
        }

        missing.AddRange(required.Where(one => !resources.Has(one)).Select(one => Describe(one, plan.Name)));
        return plan.Start
            ? new HostFindings([.. refusals, .. missing], [], created)
            : new HostFindings(refusals, [.. missing.Select(text => $"before the guest starts: {text}")], created);
    }

    private async Task ExamineKindAsync(
        IGrouping<RequirementKind, HostRequirement> group, CompletedBackup backup, RestoreRequest request,
        List<string> refusals, List<string> missing, List<SavedDefinition> created,
        CancellationToken cancellationToken)
    {
        IReadOnlyList<string> known;
        IReadOnlyList<string> active;
        try
        {
            known = await definitions.ListAsync(group.Key, isActive: false, cancellationToken);
            active = group.Key is RequirementKind.Network or RequirementKind.Pool
                ? await definitions.ListAsync(group.Key, isActive: true, cancellationToken) : known;
        }
        catch (HypervisorException failure)
        {
            missing.Add(failure.Message);
            return;
        }

        SavedDefinition[] saved = [.. backup.Manifest.Definitions.Where(one => one.Kind == group.Key)];
        SavedDefinition[] creatable = !request.CreatesNetworks ? [] : group.Key switch
        {
            // A filter may include other filters, which only the backup names.
            RequirementKind.Nwfilter => saved,
            RequirementKind.Network => [.. saved.Where(one => group.Any(required => required.Name == one.Name))],
            _ => [],
        };
        created.AddRange(creatable.Where(one => !known.Contains(one.Name)));
        foreach (HostRequirement required in group.Where(one => creatable.All(other => other.Name != one.Name)
            || known.Contains(one.Name)))
        {
            bool isKnown = known.Contains(required.Name.Trim());
            if (!isKnown && request.Host.Networks.Values.Contains(required.Name)
                && group.Key == RequirementKind.Network)
            {
                refusals.Add(
                    $"--network names {required.Name}, which is not a network of this host: it has "
                        + (known.Count == 0 ? "none" : string.Join(", ", known)));
            }
            else if (!isKnown)
            {
                missing.Add(DescribeMissing(
                    required, saved.FirstOrDefault(one => one.Name == required.Name), backup));
            }
            else if (!active.Contains(required.Name.Trim()))
            {
                missing.Add(DescribeInactive(required));
            }
        }
    }

    /// <summary>Disks of the backup are written by the restore, and a restored NVRAM needs no template.</summary>
    private static bool IsRestored(HostRequirement required, Manifest manifest) => required.Kind switch
    {
        RequirementKind.Disk => manifest.Disks.Any(disk => disk.Target == required.Disk),
        RequirementKind.NvramTemplate =>
            manifest.Files.Any(file => file.MemberName.StartsWith("nvram", StringComparison.Ordinal)),
        _ => false,
    };

    private static IEnumerable<string> RefuseUnknownNetworks(string xml, RestoreRequest request)
    {
        string[] known = [.. DomainRequirements.Find(xml)
            .Where(one => one.Kind is RequirementKind.Network or RequirementKind.Bridge
                or RequirementKind.NetworkDevice)
            .Select(one => one.Name)];
        return request.Host.Networks.Keys.Where(name => !known.Contains(name)).Select(name =>
            $"--network names {name}, but the network cards of the guest are connected to "
                + (known.Length == 0 ? "no network or bridge" : string.Join(", ", known)));
    }

    /// <summary>libvirt refuses to define a domain without its emulator and machine.</summary>
    private async Task<IReadOnlyList<string>> RefuseMachineAsync(string xml, CancellationToken cancellationToken)
    {
        MachineRequirement machine = DomainRequirements.FindMachine(xml);
        if (machine.Emulator is { } emulator && !Path.Exists(emulator))
        {
            return [$"the emulator {emulator} does not exist on this host: install it, or use another one with "
                + "--emulator PATH"];
        }

        return machine.Machine is not null
            && await definitions.FindMachineProblemAsync(machine, cancellationToken) is { } problem
            ? [$"this host cannot run the machine type {machine.Machine} ({machine.VirtType}"
                + $"{(machine.Architecture is { } architecture ? $", {architecture}" : string.Empty)}): libvirt "
                + $"reported: {problem}: use another one with --machine TYPE, or another emulator with --emulator "
                + "PATH"]
            : [];
    }

    private string DescribeMissing(HostRequirement required, SavedDefinition? saved, CompletedBackup backup)
    {
        string subject = $"the {HostDefinitions.NounOf(required.Kind)} {required.Name} does not exist on this host";
        string define = saved is null ? "create it; its definition is not in the backup"
            : required.Kind is RequirementKind.Network or RequirementKind.Nwfilter
            ? "create it from the backup with --create-networks"
            : $"define it from the backup: `tar -xOf {ArchiveOf(backup)} {MemberOf(backup, saved)} | "
                + $"{definitions.CommandLine} {(required.Kind == RequirementKind.Pool ? "pool" : "secret")}-define "
                + "/dev/stdin`";
        return $"{subject}: {define}" + required.Kind switch
        {
            RequirementKind.Network => UseAnother(required),
            RequirementKind.Secret => $" ; and set its value, which no backup contains: {definitions.CommandLine} "
                + "secret-set-value",
            _ => string.Empty,
        };
    }

    private string DescribeInactive(HostRequirement required)
    {
        string name = ShellWord.Quote(required.Name);
        return required.Kind == RequirementKind.Pool
            ? $"the storage pool {required.Name} is not active: start it: `{definitions.CommandLine} pool-start "
                + $"--pool {name}`"
            : $"the network {required.Name} is not active: start it: `{definitions.CommandLine} net-start --network "
                + $"{name}`" + UseAnother(required);
    }

    private string Describe(HostRequirement missing, DomainName name)
    {
        string remove = $"{definitions.CommandLine} edit {ShellWord.Quote(name.Value)}";
        return missing.Kind switch
        {
            RequirementKind.Bridge =>
                $"the bridge {missing.Name} does not exist on this host: create it{UseAnother(missing)}",
            RequirementKind.NetworkDevice =>
                $"the network device {missing.Name} does not exist on this host: create it{UseAnother(missing)}",
            RequirementKind.Pci or RequirementKind.Usb =>
                $"the {(missing.Kind == RequirementKind.Pci ? "PCI" : "USB")} device {missing.Name} does not exist on "
                    + $"this host: restore with --define instead of --start, remove it from the definition ({remove}), "
                    + "and start the guest",
            RequirementKind.Folder =>
                $"the folder {missing.Name}, which the guest mounts, does not exist on this host: create it",
            RequirementKind.Medium =>
                $"the medium {missing.Name} of drive {missing.Disk} does not exist on this host: copy it there, or "
                    + "leave the drives empty with --without-media",
            RequirementKind.Disk =>
                $"disk {missing.Disk} uses {missing.Name}, which is neither in the backup nor on this host: create it",
            RequirementKind.NvramTemplate =>
                $"the template {missing.Name} of the firmware's variables does not exist on this host: install the "
                    + "package of that firmware",
            _ => $"the firmware {missing.Name} does not exist on this host: install the package of that firmware",
        };
    }

    private static string UseAnother(HostRequirement required) =>
        $", or use a network of this host with --network {ShellWord.Quote($"{required.Name}=NEW")}";

    private static string ArchiveOf(CompletedBackup backup) =>
        ShellWord.Quote(Path.Combine(backup.DirectoryPath, backup.Manifest.Archive.FileName));

    private static string MemberOf(CompletedBackup backup, SavedDefinition saved) =>
        ShellWord.Quote($"{backup.Manifest.Domain.FileName}/{saved.Member}");
}

/// <summary>What this host lacks for a restored domain.</summary>
/// <param name="Refusals">The obstacles to the restore, each with a hint.</param>
/// <param name="Warnings">What the operator must do before the first start.</param>
/// <param name="Created">The networks and network filters of the backup that the restore creates.</param>
public sealed record HostFindings(
    IReadOnlyList<string> Refusals, IReadOnlyList<string> Warnings, IReadOnlyList<SavedDefinition> Created)
{
    public static readonly HostFindings None = new([], [], []);
}
