using KvmBackup.Configuration;
using KvmBackup.Hypervisor;
using KvmBackup.Runs.Capture;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Guests;

/// <summary>A domain as the subject of a backup, or of a comparison with one.</summary>
/// <param name="domain">Who it is.</param>
/// <param name="settings">What the configuration wants.</param>
/// <param name="host">libvirt.</param>
/// <param name="preflight">Looks at it.</param>
/// <param name="pinner">Pins it.</param>
/// <param name="target">Must have room; null when nothing is going to be written.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Told what happens.</param>
public sealed class GuestBackup(
    DomainIdentity domain, DomainSettings settings, LibvirtHost host, Preflight preflight, DomainPinner pinner,
    BackupDirectory? target, TimeProvider time, ILogger log) : IBackupSubject
{
    public DomainName Name => domain.Name;

    public BackupSettings Settings => settings;

    public string Untouched => "the guest is as it was";

    public async Task<CapturePlan> PrepareAsync(
        DomainDirectory directory, BackupId id, CancellationToken cancellationToken)
    {
        DomainJob job = await preflight.PrepareAsync(domain, settings, directory, target, id, cancellationToken);
        return new CapturePlan(
            job,
            path => DomainPinner.Intent(job, id, path),
            (entry, images) => new GuestCapture(job, pinner.Begin(job, entry, images), images, host, time, log));
    }
}
