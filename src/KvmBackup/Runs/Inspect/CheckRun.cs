using KvmBackup.Archiving;
using KvmBackup.Configuration;
using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Planning;
using KvmBackup.Runs.Guests;
using KvmBackup.Storage;

namespace KvmBackup.Runs.Inspect;

/// <summary>Looks at the configuration and this host as a backup would tonight, and says what would go wrong.</summary>
public sealed class CheckRun(
    HostSettings settings, LibvirtHost host, GuestAgent agent, QemuImage images, Archiver archiver, BackupDirectory target,
    Preflight preflight, DiskInventory census, ImageCheck imageCheck, TimeProvider time)
{
    public async Task<CheckReport> RunAsync(CancellationToken cancellationToken)
    {
        List<Finding> findings =
        [
            new("configuration", FindingSeverity.Good, $"{settings.Domains.Count} domain(s){Images()} for host {settings.HostName}", null),
            .. HasGuests ? await LookAtHostAsync(cancellationToken) : [],
            LookAtTarget(),
            await LookAtStateAsync(cancellationToken),
        ];
        foreach (Compression compression in settings.Domains.Select(domain => domain.Compression)
            .Concat(settings.Images.Select(images => images.Compression)).Distinct())
        {
            findings.Add(await LookAsync(
                $"compression {compression.Method.ToString().ToLowerInvariant()}",
                async token =>
                {
                    await archiver.EnsureAvailableAsync(compression, token);
                    return "available";
                },
                null, cancellationToken));
        }

        if (findings.All(finding => finding.Severity != FindingSeverity.Bad))
        {
            IReadOnlyList<DomainIdentity> known = HasGuests ? await host.ListAsync(cancellationToken) : [];
            IReadOnlyList<DomainDisks> disks = await census.TakeAsync(settings, known, cancellationToken);
            HostSettings complete = DiskInventory.Complete(settings, disks);
            foreach (DomainSettings domain in complete.Domains)
            {
                findings.AddRange(await LookAtDomainAsync(domain, known, cancellationToken));
            }

            foreach (ImageSelection selection in settings.Images)
            {
                findings.AddRange(await imageCheck.LookAsync(selection, complete, disks, cancellationToken));
            }
        }

        return new CheckReport([.. findings, .. findings.Any(finding => finding is { Subject: "target", Severity: FindingSeverity.Bad }) ? [] : LookAtBackups()]);
    }

    private bool HasGuests => settings.Domains.Count + settings.ByPool.Count > 0;

    private string Images() => settings.Images.Count == 0 ? string.Empty : $", {settings.Images.Count} selection(s) of images";

    private async Task<IReadOnlyList<Finding>> LookAtHostAsync(CancellationToken cancellationToken) =>
    [
        await LookAsync("disk images", images.VersionAsync, "install the package qemu-utils (Debian) or qemu-img (Fedora)", cancellationToken),
        await LookAsync("libvirt", host.VersionAsync, "install libvirt-clients, start libvirtd, run as root or set --connect", cancellationToken),
    ];

    private static async Task<Finding> LookAsync(
        string subject, Func<CancellationToken, Task<string>> look, string? hint, CancellationToken cancellationToken)
    {
        try
        {
            return new Finding(subject, FindingSeverity.Good, await look(cancellationToken), null);
        }
        catch (Exception failure) when (!Failure.IsInterruption(failure, cancellationToken))
        {
            return new Finding(subject, FindingSeverity.Bad, Failure.Describe(failure), hint);
        }
    }

    /// <summary>A run needs its lock there, and room for its journal.</summary>
    private async Task<Finding> LookAtStateAsync(CancellationToken cancellationToken)
    {
        const string Subject = "statedir";
        try
        {
            using RunLock held = await RunLock.AcquireAsync(settings.StateDirectory, TimeSpan.Zero, time, cancellationToken);
            return new Finding(Subject, FindingSeverity.Good, $"{settings.StateDirectory} can be written", null);
        }
        catch (StorageException failure) when (failure.ExitCode == ExitCode.AlreadyRunning)
        {
            return new Finding(Subject, FindingSeverity.Good, $"{settings.StateDirectory} is in use by a run", null);
        }
        catch (StorageException failure)
        {
            return new Finding(Subject, FindingSeverity.Bad, failure.Message, "set statedir to a directory on a local disk that root may write");
        }
    }

    private Finding LookAtTarget()
    {
        try
        {
            return new Finding("target", FindingSeverity.Good, target.CheckWritable(), null);
        }
        catch (Exception failure)
        {
            return new Finding("target", FindingSeverity.Bad, Failure.Describe(failure), null);
        }
    }

    private IReadOnlyList<Finding> LookAtBackups()
    {
        try
        {
            // The first run makes it.
            IReadOnlyList<DomainName> names = Directory.Exists(target.DirectoryPath) ? target.ListDomains() : [];
            return [.. names.SelectMany(name => target.ForDomain(name).List().Damages.Select(
                damage => new Finding($"backups of {name}", FindingSeverity.Bad, damage, null) { IsDamage = true }))];
        }
        catch (StorageException failure)
        {
            return [new Finding("backups", FindingSeverity.Bad, failure.Message, null)];
        }
    }

    private async Task<IReadOnlyList<Finding>> LookAtDomainAsync(
        DomainSettings domain, IReadOnlyList<DomainIdentity> known, CancellationToken cancellationToken)
    {
        string subject = $"domain {domain.Name}";
        DomainIdentity? identity = known.FirstOrDefault(candidate => candidate.Name == domain.Name);
        if (identity is null)
        {
            return [new Finding(
                subject, FindingSeverity.Bad, "libvirt has no such domain",
                $"correct the name or remove the section; there are: {string.Join(", ", known.Select(one => one.Name))}")];
        }

        try
        {
            DomainJob job = await preflight.PrepareAsync(
                identity, domain, target.ForDomain(domain.Name), target, new BackupId(time.GetUtcNow()), cancellationToken);
            List<Finding> findings =
            [
                new(subject, FindingSeverity.Good,
                    $"{job.Disks.Count} disk(s), {ByteSize.Format(job.DataBytes)} of data"
                    + string.Concat(job.Skipped.Select(disk => $"; without {disk.Target}: {disk.Reason}"))
                    + job.Terms.Limits.Clause, null),
                .. job.Warnings.Select(warning => new Finding(subject, FindingSeverity.Warning, warning, null)),
                .. ClockNotice.Find(target.ForDomain(domain.Name).List().Backups, time.GetUtcNow()) is { } notice
                    ? [new Finding(subject, FindingSeverity.Warning, notice, null)] : Array.Empty<Finding>(),
            ];
            findings.AddRange(await LookAtAgentAsync(subject, job, cancellationToken));
            return findings;
        }
        catch (Exception failure) when (!Failure.IsInterruption(failure, cancellationToken))
        {
            return [new Finding(subject, FindingSeverity.Bad, Failure.Describe(failure), null)];
        }
    }

    private async Task<IReadOnlyList<Finding>> LookAtAgentAsync(
        string subject, DomainJob job, CancellationToken cancellationToken)
    {
        if (job.Settings.Quiesce == QuiesceMode.Off || job.Facts.State != DomainState.Running)
        {
            return [];
        }

        AgentStatus status = job.Facts.HasAgentChannel
            ? await agent.AskStatusAsync(job.Facts.Identity, cancellationToken)
            : new AgentStatus(false, false, "the domain has no guest agent channel");
        return status.IsAnswering ? [] :
        [
            new Finding(
                subject,
                job.Settings.Quiesce == QuiesceMode.Require ? FindingSeverity.Bad : FindingSeverity.Warning,
                $"its file systems cannot be frozen: {status.Complaint}",
                "install and start qemu-guest-agent in the guest, with its channel in the domain's XML, or set quiesce: off"),
        ];
    }
}
