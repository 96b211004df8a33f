using System.Text.RegularExpressions;
using System.Xml.Linq;
using KvmBackup.Shell;

namespace KvmBackup.Hypervisor;

/// <summary>Read-only queries to libvirt: the list of domains, and all facts of one.</summary>
public sealed partial class LibvirtHost(Virsh virsh)
{
    /// <summary>The storage pools of this libvirt.</summary>
    public StoragePools Pools { get; } = new(virsh);

    /// <inheritdoc cref="Virsh.CommandLine"/>
    public string CommandLine => virsh.CommandLine;

    /// <summary>Access to the objects of libvirt to which domains refer.</summary>
    public HostDefinitions Definitions { get; } = new(virsh);

    /// <summary>The domains of this libvirt, running or not, with their exact names.</summary>
    public async Task<IReadOnlyList<DomainIdentity>> ListAsync(CancellationToken cancellationToken)
    {
        string text = await virsh.RunCheckedAsync(
            virsh.Call("--quiet", "list", "--all", "--uuid", "--name"), "Listing the domains", cancellationToken);
        List<DomainIdentity> domains = [];
        foreach (Match match in ListLine().Matches(text))
        {
            string uuid = match.Groups["uuid"].Value;
            string name = match.Groups["name"].Value;

            // A leading or trailing blank may belong to the name, or be padding of another virsh version.
            domains.Add(new DomainIdentity(
                new DomainName(name.Trim() == name ? name : await ReadNameAsync(uuid, name, cancellationToken)),
                Guid.Parse(uuid)));
        }

        return domains;
    }

    /// <summary>
    /// Whether libvirt reports that the domain does not exist, as opposed to a temporary failure. True only when
    /// libvirt does not find the domain and then successfully lists the others without it.
    /// </summary>
    public async Task<bool> IsGoneAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        try
        {
            string uuid = domain.Uuid.ToString();
            return !(await virsh.RunAsync(
                virsh.Call("--quiet", "domname", "--domain", uuid), cancellationToken)).IsSuccess
                && !Lines(await virsh.RunCheckedAsync(
                    virsh.Call("--quiet", "list", "--all", "--uuid"), "Listing the domains",
                    cancellationToken)).Contains(uuid);
        }
        catch (KvmBackupException)
        {
            // Unknown; libvirtd may be restarting.
            return false;
        }
    }

    /// <summary>The versions of library and hypervisor that <c>virsh version</c> prints.</summary>
    public async Task<string> VersionAsync(CancellationToken cancellationToken)
    {
        string text = await virsh.RunCheckedAsync(virsh.Call("version"), "Connecting to libvirt", cancellationToken);
        return string.Join(
            ", ", text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Where(line => line.StartsWith("Using API", StringComparison.Ordinal)
                || line.StartsWith("Running hypervisor", StringComparison.Ordinal)));
    }

    /// <summary>All facts of a domain that a backup needs.</summary>
    /// <exception cref="HypervisorException">libvirt reported an error.</exception>
    public async Task<DomainFacts> DescribeAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        // dominfo would return several of these, but it waits for the guest's monitor: a second under load.
        string uuid = domain.Uuid.ToString();
        IReadOnlyList<string> facts = await virsh.QueryAllAsync(
            domain,
            [
                ["domstate", "--domain", uuid],
                ["dumpxml", "--security-info", "--domain", uuid],
                ["dumpxml", "--security-info", "--inactive", "--domain", uuid],
                ["dumpxml", "--security-info", "--migratable", "--domain", uuid],
                ["list", "--transient", "--uuid"],
                ["list", "--autostart", "--all", "--uuid"],
                ["snapshot-list", "--name", "--domain", uuid],
                ["checkpoint-list", "--name", "--domain", uuid],
            ],
            cancellationToken);
        DomainState state = StateOf(facts[0].Trim());
        bool isOff = state == DomainState.ShutOff;
        string? job = isOff ? null : await ReadJobAsync(domain, cancellationToken);
        bool isSaved = isOff && await new ManagedSave(virsh).ExistsAsync(domain, cancellationToken);
        IReadOnlyList<DomainSnapshot> snapshots =
            await new DomainSnapshots(virsh).ReadAsync(domain, Lines(facts[6]), cancellationToken);

        XElement xml = await ParseAsync(facts[1], isCurrent: true, cancellationToken);
        XElement next = await ParseAsync(facts[2], isCurrent: true, cancellationToken);
        return new DomainFacts(
            domain.Name,
            domain.Uuid,
            state,
            !Lines(facts[4]).Contains(uuid),
            DomainXml.HasAgentChannel(xml),
            DomainXml.HasTpm(xml),
            DiskMerge.Merge(DomainXml.Disks(xml), DomainXml.Disks(next)),
            snapshots,
            Lines(facts[7]),
            job,
            DomainXml.Files(xml),
            new DomainDefinition(facts[2], facts[1], facts[3]))
        {
            Excluded = MetadataXml.Excluded(xml, next),
            HasForeignNvram = DomainXml.HasForeignNvram(xml),
            Labels = MetadataXml.Labels(next, xml),
            IsAutostarted = Lines(facts[5]).Contains(uuid),
            IsSaved = isSaved,
        };
    }

    /// <summary>The disks, those that the domain's metadata exclude, and what else selects a domain.</summary>
    /// <exception cref="HypervisorException">libvirt reported an error.</exception>
    public async Task<DomainSummary> SummarizeAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        string uuid = domain.Uuid.ToString();
        IReadOnlyList<string> definitions = await virsh.QueryAllAsync(
            domain, [["dumpxml", "--domain", uuid], ["dumpxml", "--inactive", "--domain", uuid]], cancellationToken);
        XElement live = await ParseAsync(definitions[0], isCurrent: true, cancellationToken);
        XElement inactive = await ParseAsync(definitions[1], isCurrent: true, cancellationToken);
        return new DomainSummary(
            domain, DiskMerge.Merge(DomainXml.Disks(live), DomainXml.Disks(inactive)),
            MetadataXml.Excluded(live, inactive))
        {
            Labels = MetadataXml.Labels(inactive, live),
        };
    }

    /// <summary>The state of all disks, by target.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="isInactive">Reads the definition for the next start instead of the live one.</param>
    public async Task<IReadOnlyDictionary<DiskTarget, DiskState>> DiskStatesAsync(
        DomainIdentity domain, bool isInactive, CancellationToken cancellationToken)
    {
        string xml = isInactive
            ? await QueryAsync(domain, cancellationToken, "dumpxml", "--inactive")
            : await QueryAsync(domain, cancellationToken, "dumpxml");
        return DomainXml.DiskStates(await ParseAsync(xml, isCurrent: false, cancellationToken));
    }

    /// <summary>The current state of a domain.</summary>
    public async Task<DomainState> StateAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        StateOf((await QueryAsync(domain, cancellationToken, "domstate")).Trim());

    /// <summary>Whether QEMU has paused the guest because a write to a disk failed.</summary>
    public async Task<bool> IsPausedByWriteErrorAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        (await QueryAsync(domain, cancellationToken, "domstate", "--reason")).Trim() == "paused (I/O error)";

    /// <summary>The value of a secret, in base64, as Ceph users have it.</summary>
    /// <exception cref="HypervisorException">There is no such secret, or it is private.</exception>
    public async Task<string> ReadSecretAsync(Guid secret, CancellationToken cancellationToken) =>
        (await virsh.RunCheckedAsync(
            virsh.Call("secret-get-value", "--secret", secret.ToString()), $"Reading the secret {secret}",
            cancellationToken)).Trim();

    /// <summary>The passphrase of an encrypted disk, in base64.</summary>
    /// <exception cref="HypervisorException">There is no such secret, or it is private.</exception>
    public async Task<string> ReadSecretAsync(DiskEncryption encryption, CancellationToken cancellationToken)
    {
        if (encryption.SecretUuid is { } uuid)
        {
            return await ReadSecretAsync(uuid, cancellationToken);
        }

        string text =
            await virsh.RunCheckedAsync(virsh.Call("--quiet", "secret-list"), "Listing the secrets", cancellationToken);
        Match? secret = SecretLine().Matches(text)
            .FirstOrDefault(match => match.Groups["usage"].Value.TrimEnd() == encryption.SecretUsage);
        return secret is not null ? await ReadSecretAsync(Guid.Parse(secret.Groups["uuid"].Value), cancellationToken)
            : throw new HypervisorException(
                $"{encryption.SecretText} does not exist: virsh secret-list does not show it");
    }

    /// <summary>
    /// The job that libvirt currently runs for a domain; null for none, and when the domain is shut off.
    /// </summary>
    public async Task<string?> RunningJobAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        await StateAsync(domain, cancellationToken) == DomainState.ShutOff
            ? null : await ReadJobAsync(domain, cancellationToken);

    private async Task<XElement> ParseAsync(string xml, bool isCurrent, CancellationToken cancellationToken)
    {
        XElement domain = DomainXml.Parse(xml);
        await Pools.ResolveAsync(domain, isCurrent, cancellationToken);
        return domain;
    }

    private async Task<string> ReadNameAsync(string uuid, string listed, CancellationToken cancellationToken)
    {
        ProgramResult result =
            await virsh.RunAsync(virsh.Call("--quiet", "domname", "--domain", uuid), cancellationToken);
        string name = result.StandardOutput.EndsWith('\n') ? result.StandardOutput[..^1] : result.StandardOutput;

        // It may have been undefined since it was listed; the other domains are not affected.
        return result.IsSuccess && DomainName.IsValid(name) ? name : listed;
    }

    private async Task<string?> ReadJobAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        string type = Field(await QueryAsync(domain, cancellationToken, "domjobinfo"), "Job type");
        return type is "None" or "" ? null : type;
    }

    private Task<string> QueryAsync(
        DomainIdentity domain, CancellationToken cancellationToken, params string[] command) =>
        virsh.RunCheckedAsync(
            virsh.Call([.. command, "--domain", domain.Uuid.ToString()]),
            $"{domain.Name}: {command[0]}", cancellationToken);

    private static DomainState StateOf(string text) => text switch
    {
        "running" or "idle" => DomainState.Running,
        "paused" => DomainState.Paused,
        "shut off" => DomainState.ShutOff,
        "pmsuspended" => DomainState.Suspended,
        "crashed" => DomainState.Crashed,
        _ => DomainState.Other,
    };

    private static string Field(string text, string name) => text.Split('\n')
        .Where(line => line.StartsWith(name + ":", StringComparison.Ordinal))
        .Select(line => line[(name.Length + 1)..].Trim())
        .FirstOrDefault(string.Empty);

    private static string[] Lines(string text) =>
        text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    [GeneratedRegex(@"^(?<uuid>[0-9a-f]{8}-[0-9a-f-]{27}) (?<name>.+)$", RegexOptions.Multiline)]
    private static partial Regex ListLine();

    [GeneratedRegex(@"^\s*(?<uuid>[0-9a-f]{8}-[0-9a-f-]{27})\s+volume\s+(?<usage>\S.*)$", RegexOptions.Multiline)]
    private static partial Regex SecretLine();
}
