using KvmBackup.Ceph;
using KvmBackup.Configuration;
using KvmBackup.Hypervisor;
using KvmBackup.Planning;
using Serilog;

namespace KvmBackup.Runs.Guests;

/// <summary>
/// The domains of this libvirt with what selects them, and with their images, so that no image is backed up twice.
/// </summary>
public sealed class DomainInventory(LibvirtHost host, MappedImages mapped, ILogger log)
{
    /// <summary>Summarizes all domains. Their definitions are read only if the configuration requires that.</summary>
    public async Task<IReadOnlyList<DomainSummary>> TakeAsync(
        HostSettings settings, IReadOnlyList<DomainIdentity> known, CancellationToken cancellationToken)
    {
        bool needsDefinitions = settings.Images.Count > 0 || settings.Rules.Any(rule => rule.NeedsDefinition);
        List<DomainSummary> all = [];
        foreach (DomainIdentity domain in known)
        {
            all.Add(needsDefinitions ? await ReadAsync(domain, cancellationToken) : new DomainSummary(domain, [], []));
        }

        return all;
    }

    private async Task<DomainSummary> ReadAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        try
        {
            DomainSummary found = await host.SummarizeAsync(domain, cancellationToken);
            return found with { Disks = mapped.Resolve(found.Disks) };
        }
        catch (Exception failure) when (!Failure.IsInterruption(failure, cancellationToken))
        {
            // It may have been undefined since it was listed. Its name may still select it, and its backup then fails.
            log.Warning("{Domain}: reading its definition failed: {Message}", domain.Name, Failure.Describe(failure));
            return new DomainSummary(domain, [], []);
        }
    }

    /// <returns>Why an image is not backed up on its own; null when it is.</returns>
    public static string? FindOwner(
        RbdImage image, ImageSelection selection, HostSettings settings, IReadOnlyList<DomainSummary> inventory)
    {
        foreach (DomainSummary one in inventory)
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
