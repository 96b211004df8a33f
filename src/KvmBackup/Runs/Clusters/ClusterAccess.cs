using KvmBackup.Ceph;
using KvmBackup.Configuration;
using KvmBackup.Hypervisor;

namespace KvmBackup.Runs.Clusters;

/// <summary>
/// Determines the access to the cluster of an image: by the configuration, else by the domain's XML and libvirt's
/// secret.
/// </summary>
public sealed class ClusterAccess(LibvirtHost host, ClusterKeys keys)
{
    /// <summary>The access to images without a guest, by the configuration alone.</summary>
    public static RbdAccess Of(ImageSelection selection)
    {
        CephSettings settings = selection.Ceph;
        return new RbdAccess([], settings.User, null, settings.ConfigurationPath, settings.KeyringPath)
        {
            StallTimeout = selection.StallTimeout,
        };
    }

    /// <exception cref="KvmBackupException">libvirt does not return the key.</exception>
    public async Task<RbdLocation> LocateAsync(
        RbdSource source, CephSettings settings, CancellationToken cancellationToken)
    {
        string? user = settings.User ?? source.User;
        if (settings.ConfigurationPath is not null || settings.KeyringPath is not null)
        {
            string[] monitors = settings.ConfigurationPath is null ? [.. source.Monitors] : [];
            return new RbdLocation(
                source.Image, new RbdAccess(monitors, user, null, settings.ConfigurationPath, settings.KeyringPath));
        }

        if (source.Secret is not { } secret)
        {
            return new RbdLocation(source.Image, new RbdAccess([], user, null, null, null));
        }

        string key = keys.Write(secret, await ReadAsync(secret, source.Image, cancellationToken));
        return new RbdLocation(source.Image, new RbdAccess(source.Monitors, user, key, null, null));
    }

    private async Task<string> ReadAsync(Guid secret, RbdImage image, CancellationToken cancellationToken)
    {
        try
        {
            return await host.ReadSecretAsync(secret, cancellationToken);
        }
        catch (HypervisorException failure)
        {
            throw new RunsException(
                $"the key to the image {image} cannot be read: {failure.Message.TrimEnd('.')}. If the secret is "
                    + $"private, set ceph: {{user: NAME, keyring: FILE}} in the configuration", ExitCode.Failed,
                    failure);
        }
    }
}
