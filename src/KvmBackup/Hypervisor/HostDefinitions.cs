using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;
using KvmBackup.Shell;

namespace KvmBackup.Hypervisor;

/// <summary>The networks, network filters, storage pools and secrets of libvirt to which domains refer.</summary>
public sealed partial class HostDefinitions(Virsh virsh)
{
    /// <inheritdoc cref="Virsh.CommandLine"/>
    public string CommandLine => virsh.CommandLine;

    /// <summary>Reads all objects to which a domain refers, a filter after those that it includes.</summary>
    /// <param name="xml">The domain's XML.</param>
    /// <param name="warnings">Receives what cannot be read.</param>
    /// <param name="cancellationToken">Cancels the calls.</param>
    /// <exception cref="HypervisorException">The text is not a domain's XML.</exception>
    public async Task<IReadOnlyList<ReferredDefinition>> ReadAsync(
        string xml, List<string> warnings, CancellationToken cancellationToken)
    {
        List<ReferredDefinition> found = [];
        HashSet<HostRequirement> visited = [];
        foreach (HostRequirement requirement in DomainRequirements.Find(xml).Where(one => IsKept(one.Kind)))
        {
            await AddAsync(requirement, found, visited, warnings, cancellationToken);
        }

        return found;
    }

    /// <summary>Whether libvirt keeps a definition of this kind.</summary>
    public static bool IsKept(RequirementKind kind) => kind
        is RequirementKind.Network or RequirementKind.Nwfilter or RequirementKind.Pool or RequirementKind.Secret;

    /// <summary>The names of this kind on this host; of secrets the UUIDs and the usages.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="isActive">Only networks or pools that are active.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="HypervisorException">libvirt reported an error.</exception>
    public async Task<IReadOnlyList<string>> ListAsync(
        RequirementKind kind, bool isActive, CancellationToken cancellationToken)
    {
        string[] command = kind switch
        {
            RequirementKind.Network => ["net-list", "--name"],
            RequirementKind.Pool => ["pool-list", "--name"],
            RequirementKind.Nwfilter => ["nwfilter-list"],
            _ => ["secret-list"],
        };
        if (!isActive && kind is (RequirementKind.Network or RequirementKind.Pool))
        {
            command = [.. command, "--all"];
        }

        string text = await virsh.RunCheckedAsync(
            virsh.Call(["--quiet", .. command]),
            $"Listing each {NounOf(kind)} of this host", cancellationToken);
        return kind switch
        {
            RequirementKind.Nwfilter => [.. FilterLine().Matches(text).Select(match => match.Groups["name"].Value)],
            RequirementKind.Secret => [.. SecretLine().Matches(text).SelectMany(
                match => new[] { match.Groups["uuid"].Value, match.Groups["usage"].Value.Trim() })],
            _ => text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
        };
    }

    /// <summary>The noun for messages: <c>network</c>, <c>network filter</c>.</summary>
    public static string NounOf(RequirementKind kind) => kind switch
    {
        RequirementKind.Network => "network",
        RequirementKind.Nwfilter => "network filter",
        RequirementKind.Pool => "storage pool",
        _ => "secret",
    };

    /// <summary>
    /// Creates a network filter, or a network that is active and starts with the host, which must not exist.
    /// </summary>
    /// <exception cref="HypervisorException">The XML has another name, or libvirt refused it; nothing is
    /// left.</exception>
    public async Task CreateAsync(ReferredDefinition definition, CancellationToken cancellationToken)
    {
        string subject = $"{NounOf(definition.Kind)} {definition.Name}";
        EnsureNamed(definition, subject);
        bool isNetwork = definition.Kind == RequirementKind.Network;
        string command = isNetwork ? "net-define" : "nwfilter-define";
        await virsh.RunCheckedAsync(
            definition.Xml, filePath => virsh.Call(command, filePath), $"{subject}: defining it", cancellationToken);
        if (!isNetwork)
        {
            return;
        }

        try
        {
            foreach (string step in new[] { "net-start", "net-autostart" })
            {
                _ = await virsh.RunCheckedAsync(
                    virsh.Call(step, "--network", definition.Name), $"{subject}: {step}", cancellationToken);
            }
        }
        catch (Exception)
        {
            // A network that is left would be an existing one, which is not changed any more.
            _ = await virsh.RunAsync(
                virsh.Call("net-undefine", "--network", definition.Name), CancellationToken.None);
            throw;
        }
    }

    /// <summary>The commands of <see cref="CreateAsync"/>, for a dry run.</summary>
    public IEnumerable<string> Describe(RequirementKind kind, string name, string memberName)
    {
        bool isNetwork = kind == RequirementKind.Network;
        yield return virsh.Call(isNetwork ? "net-define" : "nwfilter-define", memberName).ToString();
        if (isNetwork)
        {
            yield return virsh.Call("net-start", "--network", name).ToString();
            yield return virsh.Call("net-autostart", "--network", name).ToString();
        }
    }

    /// <summary>Why libvirt cannot run this machine on this host; null when it can.</summary>
    public async Task<string?> FindMachineProblemAsync(MachineRequirement machine, CancellationToken cancellationToken)
    {
        (string Option, string? Value)[] options =
        [
            ("--emulatorbin", machine.Emulator), ("--arch", machine.Architecture), ("--machine", machine.Machine),
            ("--virttype", machine.VirtType),
        ];
        ProgramResult result = await virsh.RunAsync(
            virsh.Call(["domcapabilities", .. options.Where(option => option.Value is not null)
                .SelectMany(option => new[] { option.Option, option.Value! })]), cancellationToken);
        return result.IsSuccess ? null : result.ErrorText;
    }

    private async Task AddAsync(
        HostRequirement requirement, List<ReferredDefinition> found, HashSet<HostRequirement> visited,
        List<string> warnings, CancellationToken cancellationToken)
    {
        if (!visited.Add(requirement))
        {
            return;
        }

        string subject = $"{NounOf(requirement.Kind)} {requirement.Name}";
        try
        {
            string name = requirement.Kind == RequirementKind.Secret
                ? await FindSecretAsync(requirement.Name, cancellationToken) : requirement.Name;
            string[] command = requirement.Kind switch
            {
                RequirementKind.Network => ["net-dumpxml", "--inactive", "--network"],
                RequirementKind.Pool => ["pool-dumpxml", "--inactive", "--pool"],
                RequirementKind.Nwfilter => ["nwfilter-dumpxml", "--nwfilter"],
                _ => ["secret-dumpxml", "--secret"],
            };
            string xml = await virsh.RunCheckedAsync(
                virsh.Call([.. command, name]), "reading its definition", cancellationToken);
            foreach (string filter in requirement.Kind == RequirementKind.Nwfilter ? FiltersIn(xml) : [])
            {
                await AddAsync(
                    new HostRequirement(RequirementKind.Nwfilter, filter), found, visited, warnings,
                    cancellationToken);
            }

            found.Add(new ReferredDefinition(requirement.Kind, name, xml));
        }
        catch (Exception failure) when (failure is HypervisorException or XmlException)
        {
            warnings.Add(
                $"the definition of the {subject}, to which the domain refers, is not in this backup: "
                    + failure.Message);
        }
    }

    private async Task<string> FindSecretAsync(string nameOrUsage, CancellationToken cancellationToken)
    {
        string text =
            await virsh.RunCheckedAsync(virsh.Call("--quiet", "secret-list"), "Listing the secrets", cancellationToken);
        return SecretLine().Matches(text)
            .FirstOrDefault(match => match.Groups["uuid"].Value == nameOrUsage
                || match.Groups["usage"].Value.Trim() == nameOrUsage)?.Groups["uuid"].Value
            ?? throw new HypervisorException("it does not exist: virsh secret-list does not show it");
    }

    private static IEnumerable<string> FiltersIn(string xml) =>
        BoundedXml.Parse(xml).Elements("filterref").Attributes("filter").Select(filter => filter.Value);

    // A forged archive must not change another object than the one that is named.
    private static void EnsureNamed(ReferredDefinition definition, string subject)
    {
        try
        {
            XElement root = BoundedXml.Parse(definition.Xml);
            string? name = definition.Kind == RequirementKind.Network
                ? root.Element("name")?.Value : root.Attribute("name")?.Value;
            string kind = definition.Kind == RequirementKind.Network ? "network" : "filter";
            if (root.Name != kind || name != definition.Name)
            {
                throw new HypervisorException(
                    $"{subject}: its definition in the backup is of another object", ExitCode.DamageFound);
            }
        }
        catch (XmlException failure)
        {
            throw new HypervisorException(
                $"{subject}: its definition in the backup cannot be read: {failure.Message}", ExitCode.DamageFound,
                failure);
        }
    }

    [GeneratedRegex(@"^ *[0-9a-f]{8}-[0-9a-f-]{27} +(?<name>\S.*?) *$", RegexOptions.Multiline)]
    private static partial Regex FilterLine();

    // A secret without a usage is printed as Unused.
    [GeneratedRegex(@"^ *(?<uuid>[0-9a-f]{8}-[0-9a-f-]{27}) +\w+(?: +(?<usage>\S.*))?$", RegexOptions.Multiline)]
    private static partial Regex SecretLine();
}
