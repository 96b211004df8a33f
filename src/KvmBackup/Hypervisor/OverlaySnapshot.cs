using KvmBackup.Shell;

namespace KvmBackup.Hypervisor;

/// <summary>Puts overlays on all disks of a running domain at one instant.</summary>
public sealed class OverlaySnapshot(Virsh virsh, LibvirtHost host, TimeProvider time)
{
    /// <summary>How long the call may take when no guest is frozen meanwhile.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan EndLimit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <inheritdoc cref="Virsh.CommandLine"/>
    public string CommandLine => virsh.CommandLine;

    /// <summary>
    /// The one call that pins: every disk has a diskspec of its own, since libvirt would snapshot a disk that is not named.
    /// A disk that only the next start has must have none: libvirt 9.0 refuses it ("too many disk snapshot requests").
    /// </summary>
    public ProgramCall CreateCall(DomainFacts domain, BackupId id, IReadOnlyList<PlannedOverlay> overlays)
    {
        if (overlays.Any(overlay => overlay.Encryption is not null))
        {
            return SnapshotXml.Call(virsh, domain, "snapshot.xml");
        }

        List<string> arguments =
        [
            "snapshot-create-as", "--domain", domain.Uuid.ToString(), "--name", $"kvmbackup-{id}",
            "--disk-only", "--atomic", "--no-metadata",
        ];
        foreach (DiskFacts disk in domain.Disks.Where(disk => disk.Presence != DiskPresence.NextStartOnly))
        {
            PlannedOverlay? overlay = overlays.FirstOrDefault(planned => planned.Target == disk.Target);
            arguments.Add("--diskspec");
            arguments.Add(overlay is null
                ? $"{disk.Target},snapshot=no"
                : $"{disk.Target},snapshot=external,driver=qcow2,stype=file,file={Escape(overlay.OverlayPath)}");
        }

        return virsh.Call(arguments);
    }

    /// <exception cref="HypervisorException">
    /// libvirt refused; as the call is atomic no disk has an overlay then, which the caller checks all the same.
    /// </exception>
    public async Task CreateAsync(
        DomainFacts domain, BackupId id, IReadOnlyList<PlannedOverlay> overlays, TimeSpan limit,
        CancellationToken cancellationToken)
    {
        string purpose = $"{domain.Name}: taking the snapshot";
        if (overlays.All(overlay => overlay.Encryption is null))
        {
            await virsh.AskAsync(CreateCall(domain, id, overlays) with { Timeout = limit }, purpose, cancellationToken);
            return;
        }

        // A diskspec cannot say that an overlay is encrypted.
        DirectoryInfo folder = Directory.CreateTempSubdirectory("kvmbackup-");
        try
        {
            string filePath = Path.Combine(folder.FullName, "snapshot.xml");
            await File.WriteAllTextAsync(filePath, SnapshotXml.Write(domain, id, overlays), cancellationToken);
            await virsh.AskAsync(SnapshotXml.Call(virsh, domain, filePath) with { Timeout = limit }, purpose, cancellationToken);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>
    /// Makes sure that both definitions show every overlay, whatever the call said. A disk that only the running guest has
    /// is not in the other definition, and libvirt does not add it there.
    /// </summary>
    /// <exception cref="HypervisorException">One does not.</exception>
    public async Task EnsureAppliedAsync(
        DomainFacts domain, IReadOnlyList<PlannedOverlay> overlays, CancellationToken cancellationToken)
    {
        bool[] flavours = domain.IsPersistent ? [false, true] : [false];
        await Task.WhenAll(flavours.Select(async isInactive =>
        {
            IReadOnlyDictionary<DiskTarget, DiskState> states =
                await host.DiskStatesAsync(domain.Identity, isInactive, cancellationToken);
            PlannedOverlay? missing = overlays.FirstOrDefault(overlay =>
                states.GetValueOrDefault(overlay.Target)?.SourcePath != overlay.OverlayPath
                && !(isInactive && IsRunningOnly(domain, overlay.Target)));
            if (missing is not null)
            {
                throw new HypervisorException(
                    $"{domain.Name}: the snapshot was taken, but disk {missing.Target} is not on its overlay in the "
                    + $"{(isInactive ? "inactive" : "live")} definition.");
            }
        }));
    }

    /// <summary>Waits until libvirt does nothing with the domain any more, for as long as is sensible.</summary>
    /// <returns>False when it still does something, or does not answer.</returns>
    public async Task<bool> TryWaitForEndAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        while (time.GetElapsedTime(start) < EndLimit)
        {
            if (await IsIdleAsync(domain, cancellationToken))
            {
                return true;
            }

            await Task.Delay(Pause, time, cancellationToken);
        }

        return false;
    }

    private static bool IsRunningOnly(DomainFacts domain, DiskTarget target) =>
        domain.Disks.Any(disk => disk.Target == target && disk.Presence == DiskPresence.RunningOnly);

    private async Task<bool> IsIdleAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        try
        {
            return await host.RunningJobAsync(domain, cancellationToken) is null;
        }
        catch (KvmBackupException)
        {
            // libvirtd may be starting again, and is asked until the limit; nothing is done with a domain that is gone.
            return await host.IsGoneAsync(domain, cancellationToken);
        }
    }

    // virsh splits a diskspec at commas; a comma of the path is doubled.
    private static string Escape(string path) => path.Replace(",", ",,", StringComparison.Ordinal);
}
