using KvmBackup.Configuration;
using KvmBackup.Hypervisor;
using KvmBackup.Runs.Capture;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Guests;

/// <summary>A domain as the subject of a backup, or of a comparison with one.</summary>
/// <param name="domain">The domain.</param>
/// <param name="settings">The domain's configuration.</param>
/// <param name="host">libvirt.</param>
/// <param name="preflight">Inspects the domain.</param>
/// <param name="pinner">Takes the snapshot.</param>
/// <param name="target">The backup directory, which must have enough free space; null when nothing is written.</param>
/// <param name="time">The clock.</param>
/// <param name="log">The log.</param>
public sealed class GuestBackup(
    DomainIdentity domain, DomainSettings settings, LibvirtHost host, Preflight preflight, DomainPinner pinner,
    BackupDirectory? target, TimeProvider time, ILogger log) : IBackupSubject
{
    public DomainName Name => domain.Name;

    public BackupSettings Settings => settings;

    public string UnchangedClause => "the guest is as it was";

    public async Task<CapturePlan> PrepareAsync(
        BackupCatalogue existing, BackupId id, CancellationToken cancellationToken)
    {
        DomainJob job = await preflight.PrepareAsync(domain, settings, existing, target, id, cancellationToken);
        return new CapturePlan(
            job,
            path => DomainPinner.Intent(job, id, path),
            (entry, images) => new GuestCapture(job, pinner.Begin(job, entry, images), images, host, time, log));
    }
}
