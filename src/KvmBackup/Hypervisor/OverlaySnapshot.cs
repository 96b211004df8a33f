using KvmBackup.Shell;

namespace KvmBackup.Hypervisor;

/// <summary>Creates overlays for all disks of a running domain at one instant.</summary>
public sealed class OverlaySnapshot(Virsh virsh, LibvirtHost host, TimeProvider time)
{
    /// <summary>The time limit of the call when the guest is not frozen.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan EndLimit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <inheritdoc cref="Virsh.CommandLine"/>
    public string CommandLine => virsh.CommandLine;

    /// <summary>
    /// The call that takes the snapshot. Every disk has its own diskspec, since libvirt also snapshots disks that are
    /// not named. A disk that only the next start has must have no diskspec: libvirt 9.0 refuses it ("too many disk
    /// snapshot requests").
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
    /// libvirt refused. The call is atomic, so no disk has an overlay then; the caller checks this anyway.
    /// </exception>
    public async Task CreateAsync(
        DomainFacts domain, BackupId id, IReadOnlyList<PlannedOverlay> overlays, TimeSpan limit,
        CancellationToken cancellationToken)
    {
        string purpose = $"{domain.Name}: taking the snapshot";
        if (overlays.All(overlay => overlay.Encryption is null))
        {
            await virsh.RunCheckedAsync(
                CreateCall(domain, id, overlays) with { Timeout = limit }, purpose, cancellationToken);
            return;
        }

        // A diskspec cannot declare an encrypted overlay.
        DirectoryInfo folder = Directory.CreateTempSubdirectory("kvmbackup-");
        try
        {
            string filePath = Path.Combine(folder.FullName, "snapshot.xml");
            await File.WriteAllTextAsync(filePath, SnapshotXml.Write(domain, id, overlays), cancellationToken);
            await virsh.RunCheckedAsync(
                SnapshotXml.Call(virsh, domain, filePath) with { Timeout = limit }, purpose, cancellationToken);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>
    /// Verifies that both definitions show every overlay, whatever the result of the call. A disk that only the running
    /// guest has is not in the other definition, and libvirt does not add it there.
    /// </summary>
    /// <exception cref="HypervisorException">An overlay is missing in a definition.</exception>
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
                    $"{domain.Name}: {missing.Target}: the snapshot was taken, but the disk is not on its overlay in "
                        + $"the {(isInactive ? "inactive" : "live")} definition.");
            }
        }));
    }

    /// <summary>Waits, with a time limit, until libvirt runs no job for the domain.</summary>
    /// <returns>False when a job still runs, or libvirt does not answer.</returns>
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
            // libvirtd may be restarting, so this is repeated until the limit. No job runs for a domain that is gone.
            return await host.IsGoneAsync(domain, cancellationToken);
        }
    }

    // virsh splits a diskspec at commas; a comma of the path is doubled.
    private static string Escape(string path) => path.Replace(",", ",,", StringComparison.Ordinal);
}
