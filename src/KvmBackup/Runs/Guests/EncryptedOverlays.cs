using KvmBackup.Disks;
using KvmBackup.Hypervisor;

namespace KvmBackup.Runs.Guests;

/// <summary>
/// The overlays of encrypted disks: made with the secret of their base, so that what the guest writes is never on the disk in
/// plaintext. libvirt 9.0 could format such an overlay itself, but that takes the time of a key derivation while the guest is
/// frozen; it takes one that is there (--reuse-external), and then all overlays of the snapshot must be.
/// </summary>
public sealed class EncryptedOverlays(LibvirtHost host, QemuImage images)
{
    /// <summary>Makes all overlays of a snapshot, if one of them must be encrypted.</summary>
    /// <returns>Whether any was made.</returns>
    /// <exception cref="KvmBackupException">One cannot be made; none is there then.</exception>
    public async Task<bool> CreateAsync(IReadOnlyList<PlannedOverlay> overlays, CancellationToken cancellationToken)
    {
        if (overlays.All(overlay => overlay.Encryption is null))
        {
            return false;
        }

        List<string> made = [];
        try
        {
            foreach (PlannedOverlay overlay in overlays)
            {
                made.Add(overlay.OverlayPath);
                await images.CreateOverlayAsync(overlay, await ReadSecretAsync(overlay, cancellationToken), cancellationToken);
            }

            return true;
        }
        catch (Exception failure) when (failure is KvmBackupException or OperationCanceledException)
        {
            foreach (string path in made.Where(File.Exists))
            {
                OverlayFile.Remove(path, recorded: null);
            }

            throw;
        }
    }

    /// <summary>Writes an overlay down into its base while no guest runs. Safe to repeat.</summary>
    public async Task CommitAsync(PlannedOverlay overlay) => await images.CommitAsync(
        overlay, await ReadSecretAsync(overlay, CancellationToken.None), CancellationToken.None);

    /// <summary>Whether the guest wrote anything into an overlay.</summary>
    public async Task<bool> HasOwnDataAsync(PlannedOverlay overlay) => await images.HasOwnDataAsync(
        overlay.OverlayPath, await ReadSecretAsync(overlay, CancellationToken.None), CancellationToken.None);

    private async Task<string?> ReadSecretAsync(PlannedOverlay overlay, CancellationToken cancellationToken) =>
        overlay.Encryption is { } encryption ? await host.ReadSecretAsync(encryption, cancellationToken) : null;
}
