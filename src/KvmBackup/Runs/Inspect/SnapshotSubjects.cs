using KvmBackup.Ceph;
using KvmBackup.Configuration;
using KvmBackup.Hypervisor;
using KvmBackup.Planning;
using KvmBackup.Runs.Clusters;
using KvmBackup.Runs.Guests;

namespace KvmBackup.Runs.Inspect;

/// <summary>Finds the domains and the images without a guest that may have snapshots. Changes nothing.</summary>
public sealed class SnapshotSubjects(
    HostSettings settings, LibvirtHost host, DomainInventory inventory, MappedImages mapped, ClusterAccess access,
    RbdClient cluster,
    RbdPool pools)
{
    /// <param name="only">Names of domains, selections and images; null for the whole configuration.</param>
    /// <returns>For each its name, and a function that finds its images, which may fail separately.</returns>
    /// <exception cref="KvmBackupException">A name is not in the configuration, or libvirt does not answer.</exception>
    public async Task<IReadOnlyList<(string Name, Func<Task<IReadOnlyList<SnapshotSubject>>> FindAsync)>> ListAsync(
        IReadOnlyList<string>? only, CancellationToken cancellationToken)
    {
        IReadOnlyList<DomainIdentity> known = settings.HasGuests ? await host.ListAsync(cancellationToken) : [];
        HostSettings complete = DomainChooser.Choose(
            settings, await inventory.TakeAsync(settings, known, cancellationToken), []).Settings;
        BackupPlan plan = BackupPlanner.Plan(complete, DayOfWeek.Sunday, only, force: true);
        return
        [
            .. plan.Jobs.Where(job => job.IsDue).Select(job => (
                job.Domain.Name.Value,
                (Func<Task<IReadOnlyList<SnapshotSubject>>>)(() => FindAsync(job.Domain, known, cancellationToken)))),
            .. plan.Images.Where(images => images.IsDue).Select(images => (
                images.Selection.Name,
                (Func<Task<IReadOnlyList<SnapshotSubject>>>)(() => FindAsync(images, cancellationToken)))),
        ];
    }

    private async Task<IReadOnlyList<SnapshotSubject>> FindAsync(
        DomainSettings wanted, IReadOnlyList<DomainIdentity> known, CancellationToken cancellationToken)
    {
        DomainIdentity domain = known.FirstOrDefault(candidate => candidate.Name == wanted.Name)
            ?? throw new RunsException("libvirt has no such domain");
        DomainFacts facts = await host.DescribeAsync(domain, cancellationToken);
        List<(DiskTarget, RbdLocation)> disks = [];
        foreach (DiskFacts disk in mapped.Resolve(facts.Disks)
            .Where(disk => disk.Rbd is not null && wanted.Disks.Includes(disk.Target)))
        {
            disks.Add((disk.Target, await access.LocateAsync(disk.Rbd!, wanted.Ceph, cancellationToken)));
        }

        return [new SnapshotSubject(domain, wanted, disks)];
    }

    private async Task<IReadOnlyList<SnapshotSubject>> FindAsync(
        PlannedImages planned, CancellationToken cancellationToken)
    {
        ImageSelection selection = planned.Selection;
        RbdAccess clusterAccess = ClusterAccess.Of(selection);
        ImageChoice choice = await SelectedPools.ChooseAsync(pools, selection, planned.Only, cancellationToken);
        List<SnapshotSubject> subjects = [];
        foreach (RbdImage image in choice.Images.Where(image => settings.FindSelection(image) == selection))
        {
            RbdLocation location = new(image, clusterAccess);
            RbdImageFacts facts = await cluster.DescribeAsync(location, snapshot: null, cancellationToken);
            subjects.Add(new SnapshotSubject(
                new DomainIdentity(ImageIdentity.NameOf(image), ImageIdentity.UuidOf(image, facts.Id)), selection,
                [(ImageIdentity.Disk, location)]));
        }

        return subjects;
    }
}

/// <summary>A domain or an image without a guest, with the locations of its snapshots.</summary>
/// <param name="Identity">The name and UUID of its backups.</param>
/// <param name="Terms">The configuration.</param>
/// <param name="Disks">The RBD images.</param>
public sealed record SnapshotSubject(
    DomainIdentity Identity, BackupSettings Terms, IReadOnlyList<(DiskTarget Target, RbdLocation Location)> Disks);
