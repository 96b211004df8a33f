using KvmBackup.Archiving;
using KvmBackup.Configuration;
using KvmBackup.Hypervisor;
using KvmBackup.Planning;
using KvmBackup.Runs.Guests;
using KvmBackup.Storage;

namespace KvmBackup.Runs.Inspect;

/// <summary>The command <c>check</c>: inspects the configuration and this host as a backup would, and reports every
/// obstacle.</summary>
public sealed class CheckRun(
    HostSettings settings, LibvirtHost host, Archiver archiver, BackupDirectory target, DomainInventory inventory,
    GuestCheck guests, ImageCheck images, TimeProvider time)
{
    public async Task<CheckReport> RunAsync(CancellationToken cancellationToken)
    {
        List<Finding> findings =
        [
            new(
                "configuration", FindingSeverity.Good,
                $"{settings.Domains.Count} domain(s){Rules()}{Images()} for host {settings.HostName}", null),
            .. settings.HasGuests ? await guests.CheckHostAsync(cancellationToken) : [],
            CheckTarget(),
            await CheckStateAsync(cancellationToken),
        ];
        foreach (Compression compression in settings.Domains.Select(domain => domain.Compression)
            .Concat(settings.Images.Select(selection => selection.Compression)).Distinct())
        {
            findings.Add(await Probe.RunAsync(
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
            IReadOnlyList<DomainIdentity> known = settings.HasGuests ? await host.ListAsync(cancellationToken) : [];
            IReadOnlyList<DomainSummary> domains = await inventory.TakeAsync(settings, known, cancellationToken);
            DomainChoice choice = DomainChooser.Choose(settings, domains, []);
            findings.AddRange(SelectionCheck.Review(choice));
            foreach (DomainSettings domain in choice.Settings.Domains)
            {
                findings.AddRange(await guests.CheckAsync(domain, known, cancellationToken));
            }

            foreach (ImageSelection selection in settings.Images)
            {
                findings.AddRange(await images.CheckAsync(
                    selection, choice.Settings, domains, cancellationToken));
            }
        }

        bool isTargetBad = findings.Any(finding => finding is { Subject: "target", Severity: FindingSeverity.Bad });
        return new CheckReport([.. findings, .. isTargetBad ? [] : CheckBackups()]);
    }

    private string Rules() =>
        settings.Rules.Count == 0 ? string.Empty : $", {settings.Rules.Count} rule(s) for other domains";

    private string Images() =>
        settings.Images.Count == 0 ? string.Empty : $", {settings.Images.Count} selection(s) of images";

    /// <summary>A run locks a file there and writes its journal.</summary>
    private async Task<Finding> CheckStateAsync(CancellationToken cancellationToken)
    {
        const string Subject = "statedir";
        try
        {
            using RunLock held = await RunLock.AcquireAsync(
                settings.StateDirectory, TimeSpan.Zero, time, cancellationToken);
            return new Finding(Subject, FindingSeverity.Good, $"{settings.StateDirectory} can be written", null);
        }
        catch (StorageException failure) when (failure.ExitCode == ExitCode.AlreadyRunning)
        {
            return new Finding(Subject, FindingSeverity.Good, $"{settings.StateDirectory} is in use by a run", null);
        }
        catch (StorageException failure)
        {
            return new Finding(
                Subject, FindingSeverity.Bad, failure.Message,
                "set statedir to a directory on a local disk that root may write");
        }
    }

    private Finding CheckTarget()
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

    private IReadOnlyList<Finding> CheckBackups()
    {
        try
        {
            // The first run creates it.
            IReadOnlyList<DomainName> names = Directory.Exists(target.DirectoryPath) ? target.ListDomains() : [];
            return [.. names.SelectMany(name => target.ForDomain(name).List().Damages.Select(
                damage => new Finding($"backups of {name}", FindingSeverity.Bad, damage, null) { IsDamage = true }))];
        }
        catch (StorageException failure)
        {
            return [new Finding("backups", FindingSeverity.Bad, failure.Message, null)];
        }
    }
}
