using KvmBackup.Ceph;
using KvmBackup.Configuration;
using KvmBackup.Hypervisor;
using KvmBackup.Planning;
using Serilog;

namespace KvmBackup.Runs.Guests;

/// <summary>Which domain has which image, so that none is backed up twice, and domains are found by their pool.</summary>
public sealed class DiskInventory(LibvirtHost host, MappedImages mapped, ILogger log)
{
    /// <summary>Looks at all domains, if anything in the configuration asks for that.</summary>
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
                // It may have been undefined since it was listed; one domain's failure stays its own.
                log.Warning("{Domain}: which disks it has is not known: {Message}", domain.Name, Failure.Describe(failure));
            }
        }

        return all;
    }

    /// <summary>The configuration with the domains that it does not name, but finds by their pools.</summary>
    public static HostSettings Complete(HostSettings settings, IReadOnlyList<DomainDisks> census)
    {
        IEnumerable<DomainSettings> found = census
            .Where(one => settings.Domains.All(domain => domain.Name != one.Domain.Name))
            .Select(one => (one.Domain.Name, ByPool: settings.ByPool.FirstOrDefault(
                pool => one.Disks.Any(disk => disk.Rbd?.Image.Pool == pool.Pool))))
            .Where(one => one.ByPool is not null)
            .Select(one => one.ByPool!.Template with { Name = one.Name });
        return settings with { Domains = [.. settings.Domains, .. found] };
    }

    /// <returns>Why an image is not backed up on its own; null when it is.</returns>
    public static string? FindOwner(RbdImage image, ImageSelection selection, HostSettings settings, IReadOnlyList<DomainDisks> census)
    {
        foreach (DomainDisks one in census)
        {
            DomainSettings? domain = settings.Domains.FirstOrDefault(domain => domain.Name == one.Domain.Name);
            foreach (DiskFacts disk in one.Disks.Where(disk => disk.Rbd?.Image == image))
            {
                if (one.Excluded.Contains(disk.Target))
                {
                    return $"excluded in the metadata of the domain {one.Domain.Name}, whose disk {disk.Target} it is";
                }

                if (domain is not null && IsSameCluster(domain.Ceph, selection.Ceph)
                    && DomainPlanner.SkipReason(disk, domain, one.Excluded) is null)
                {
                    return $"left to the domain {one.Domain.Name}, whose disk {disk.Target} it is";
                }
            }
        }

        return null;
    }

    private static bool IsSameCluster(CephSettings one, CephSettings other) =>
        one.ConfigurationPath is null || other.ConfigurationPath is null || one.ConfigurationPath == other.ConfigurationPath;
}
