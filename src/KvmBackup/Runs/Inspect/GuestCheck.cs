using KvmBackup.Configuration;
using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Planning;
using KvmBackup.Runs.Guests;
using KvmBackup.Storage;

namespace KvmBackup.Runs.Inspect;

/// <summary>Inspects domains, and what backups of domains require, as a backup would.</summary>
public sealed class GuestCheck(
    LibvirtHost host, GuestAgent agent, QemuImage images, Preflight preflight, BackupDirectory target,
    TimeProvider time)
{
    /// <summary>The programs and libvirt.</summary>
    public async Task<IReadOnlyList<Finding>> CheckHostAsync(CancellationToken cancellationToken) =>
    [
        await Probe.RunAsync(
            "disk images", images.VersionAsync, "install the package qemu-utils (Debian) or qemu-img (Fedora)",
            cancellationToken),
        await Probe.RunAsync(
            "libvirt", host.VersionAsync, "install libvirt-clients, start libvirtd, run as root or set --connect",
            cancellationToken),
    ];

    /// <summary>One domain of the configuration.</summary>
    public async Task<IReadOnlyList<Finding>> CheckAsync(
        DomainSettings domain, IReadOnlyList<DomainIdentity> known, CancellationToken cancellationToken)
    {
        string subject = $"domain {domain.Name}";
        if (known.FirstOrDefault(candidate => candidate.Name == domain.Name) is not { } identity)
        {
            string names = string.Join(", ", known.Select(one => one.Name));
            return [new Finding(
                subject, FindingSeverity.Bad, "libvirt has no such domain",
                $"correct the name or remove the section; there are: {names}")];
        }

        DateTimeOffset now = time.GetUtcNow();
        try
        {
            BackupCatalogue existing = target.ForDomain(domain.Name).List();
            DomainJob job = await preflight.PrepareAsync(
                identity, domain, existing, target, new BackupId(now), cancellationToken);
            List<Finding> findings = [new(subject, FindingSeverity.Good, Describe(job), null)];
            findings.AddRange(job.Warnings.Select(warning => Warning(subject, warning)));
            if (ClockNotice.Find(existing.Backups, now) is { } notice)
            {
                findings.Add(Warning(subject, notice));
            }

            findings.AddRange(await CheckAgentAsync(subject, job, cancellationToken));
            return findings;
        }
        catch (Exception failure) when (!Failure.IsInterruption(failure, cancellationToken))
        {
            return [new Finding(subject, FindingSeverity.Bad, Failure.Describe(failure), null)];
        }
    }

    private static Finding Warning(string subject, string text) => new(subject, FindingSeverity.Warning, text, null);

    private static string Describe(DomainJob job) =>
        $"{job.Disks.Count} disk(s), {ByteSize.Format(job.DataBytes)} of data"
        + string.Concat(job.Skipped.Select(disk => $"; without {disk.Target}: {disk.Reason}"))
        + job.Terms.Limits.Clause;

    private async Task<IReadOnlyList<Finding>> CheckAgentAsync(
        string subject, DomainJob job, CancellationToken cancellationToken)
    {
        if (job.Settings.Quiesce == QuiesceMode.Off || job.Facts.State != DomainState.Running)
        {
            return [];
        }

        AgentStatus status = job.Facts.HasAgentChannel
            ? await agent.ReadStatusAsync(job.Facts.Identity, cancellationToken)
            : new AgentStatus(false, false, "the domain has no guest agent channel");
        return status.IsAnswering ? [] :
        [
            new Finding(
                subject,
                job.Settings.Quiesce == QuiesceMode.Require ? FindingSeverity.Bad : FindingSeverity.Warning,
                $"its file systems cannot be frozen: {status.ErrorText}",
                "install and start qemu-guest-agent in the guest, with its channel in the domain's XML, or set "
                    + "quiesce: off"),
        ];
    }
}
