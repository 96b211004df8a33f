using KvmBackup.Ceph;
using KvmBackup.Configuration;
using KvmBackup.Hypervisor;
using KvmBackup.Planning;
using Serilog;

namespace KvmBackup.Runs.Guests;

/// <summary>
/// The mapping of domains to images, so that no image is backed up twice, and domains are found by their pool.
/// </summary>
public sealed class DiskInventory(LibvirtHost host, MappedImages mapped, ILogger log)
{
    /// <summary>Reads the disks of all domains, if the configuration requires that.</summary>
    public async Task<IReadOnlyList<DomainDisks>> TakeAsync(
        HostSettings settings, IReadOnlyList<DomainIdentity> known, CancellationToken cancellationToken)
    {
        List<DomainDisks> all = [];
        foreach (DomainIdentity domain in settings.Images.Count + settings.ByPool.Count == 0 ? [] : known)
        {
            try
            {
                DomainDisks found = await host.DisksAsync(domain, cancellationToken);
                all.Add(found with { Disks = mapped.Resolve(found.Disks) });
            }
            catch (Exception failure) when (!Failure.IsInterruption(failure, cancellationToken))
            {
                // It may have been undefined since it was listed; the other domains are not affected.
                log.Warning("{Domain}: reading its disks failed: {Message}", domain.Name, Failure.Describe(failure));
            }
        }

        return all;
    }

    /// <summary>Adds the domains that the configuration selects by their pools.</summary>
    public static HostSettings Complete(HostSettings settings, IReadOnlyList<DomainDisks> inventory)
    {
        IEnumerable<DomainSettings> found = inventory
            .Where(one => settings.Domains.All(domain => domain.Name != one.Domain.Name))
            .Select(one => (one.Domain.Name, ByPool: settings.ByPool.FirstOrDefault(
                pool => one.Disks.Any(disk => disk.Rbd?.Image.Pool == pool.Pool))))
            .Where(one => one.ByPool is not null)
            .Select(one => one.ByPool!.Template with { Name = one.Name });
        return settings with { Domains = [.. settings.Domains, .. found] };
    }

    /// <returns>Why an image is not backed up on its own; null when it is.</returns>
    public static string? FindOwner(
        RbdImage image, ImageSelection selection, HostSettings settings, IReadOnlyList<DomainDisks> inventory)
    {
        foreach (DomainDisks one in inventory)
        {
            DomainSettings? domain = settings.Domains.FirstOrDefault(domain => domain.Name == one.Domain.Name);
            foreach (DiskFacts disk in one.Disks.Where(disk => disk.Rbd?.Image == image))
            {
                if (one.Excluded.Contains(disk.Target))
                {
                    return $"excluded in the metadata of the domain {one.Domain.Name}, as its disk {disk.Target}";
                }

                if (domain is not null && IsSameCluster(domain.Ceph, selection.Ceph)
                    && DomainPlanner.SkipReason(disk, domain, one.Excluded) is null)
                {
                    return $"backed up with the domain {one.Domain.Name} as its disk {disk.Target}";
                }
            }
        }

        return null;
    }

    private static bool IsSameCluster(CephSettings one, CephSettings other) =>
        one.ConfigurationPath is null || other.ConfigurationPath is null
            || one.ConfigurationPath == other.ConfigurationPath;
}
