using KvmBackup.Disks;
using KvmBackup.Hypervisor;

namespace KvmBackup.Runs.Guests;

/// <summary>
/// Creates the overlays of encrypted disks with the secret of their base, so that no guest data is on the disk in
/// plaintext. libvirt 9.0 could format such an overlay itself, but this adds the time of a key derivation while the
/// guest is frozen. It accepts existing overlays (--reuse-external), and then all overlays of the snapshot must exist.
/// </summary>
public sealed class EncryptedOverlays(LibvirtHost host, QemuImage images)
{
    /// <summary>Creates all overlays of a snapshot, if one of them must be encrypted.</summary>
    /// <returns>Whether any overlay was created.</returns>
    /// <exception cref="KvmBackupException">An overlay could not be created. Those created before were
    /// removed.</exception>
    public async Task<bool> CreateAsync(IReadOnlyList<PlannedOverlay> overlays, CancellationToken cancellationToken)
    {
        if (overlays.All(overlay => overlay.Encryption is null))
        {
            return false;
        }

        List<string> created = [];
        try
        {
            foreach (PlannedOverlay overlay in overlays)
            {
                created.Add(overlay.OverlayPath);
                await images.CreateOverlayAsync(
                    overlay, await ReadSecretAsync(overlay, cancellationToken), cancellationToken);
            }

            return true;
        }
        catch (Exception failure) when (failure is KvmBackupException or OperationCanceledException)
        {
            foreach (string path in created.Where(File.Exists))
            {
                OverlayFile.Remove(path, recorded: null);
            }

            throw;
        }
    }

    /// <summary>Commits an overlay into its base while no guest runs. Safe to repeat.</summary>
    public async Task CommitAsync(PlannedOverlay overlay) => await images.CommitAsync(
        overlay, await ReadSecretAsync(overlay, CancellationToken.None), CancellationToken.None);

    /// <summary>Whether the guest wrote anything into an overlay.</summary>
    public async Task<bool> HasOwnDataAsync(PlannedOverlay overlay) => await images.HasOwnDataAsync(
        overlay.OverlayPath, await ReadSecretAsync(overlay, CancellationToken.None), CancellationToken.None);

    private async Task<string?> ReadSecretAsync(PlannedOverlay overlay, CancellationToken cancellationToken) =>
        overlay.Encryption is { } encryption ? await host.ReadSecretAsync(encryption, cancellationToken) : null;
}
