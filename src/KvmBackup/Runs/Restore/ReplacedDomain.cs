using KvmBackup.Hypervisor;
using KvmBackup.Planning;

namespace KvmBackup.Runs.Restore;

/// <summary>
/// The domain that libvirt has already and that a restore changes: what is left of it, and would make the restored guest
/// another than the backup's, speaks against the restore or is told.
/// </summary>
/// <param name="Identity">Who it is.</param>
/// <param name="IsSaved">Its memory is saved, and the operator said that it may go.</param>
/// <param name="Warnings">What an operator should know.</param>
public sealed record ReplacedDomain(DomainIdentity Identity, bool IsSaved, IReadOnlyList<string> Warnings)
{
    /// <param name="host">libvirt.</param>
    /// <param name="manifest">The backup.</param>
    /// <param name="plan">How the restore goes.</param>
    /// <param name="request">What the operator wants.</param>
    /// <param name="refusals">Takes each reason against it, with what to do.</param>
    /// <param name="cancellationToken">Ends the look.</param>
    /// <returns>Null when there is no such domain, or the restore leaves it alone.</returns>
    public static async Task<ReplacedDomain?> FindAsync(
        LibvirtHost host, Manifest manifest, RestorePlan plan, RestoreRequest request, List<string> refusals,
        CancellationToken cancellationToken)
    {
        if (!plan.Define && !request.IsInPlace)
        {
            return null;
        }

        IReadOnlyList<DomainIdentity> known = await host.ListAsync(cancellationToken);
        DomainIdentity? identity = known.FirstOrDefault(domain => domain.Name == plan.Name)
            ?? known.FirstOrDefault(domain => request.NewName is null && domain.Uuid == manifest.DomainUuid);
        if (identity is null)
        {
            return null;
        }

        DomainFacts facts = await host.DescribeAsync(identity, cancellationToken);
        refusals.AddRange(RefuseSaved(facts, request));
        refusals.AddRange(RefuseMetadata(facts));
        refusals.AddRange(plan.Define ? [] : RefuseOtherDisks(facts, manifest, plan, request));
        return new ReplacedDomain(identity, facts.IsSaved, plan.Define ? [.. WarnOfDisks(facts, manifest, plan)] : []);
    }

    private static IEnumerable<string> RefuseSaved(DomainFacts facts, RestoreRequest request)
    {
        if (facts.IsSaved && !request.DiscardsSavedState)
        {
            yield return $"the memory of {facts.Name} is saved on this host (virsh managedsave), and its next start would resume that "
                + "memory on the restored disks and destroy them: restore a copy with --as NEWNAME, or let the saved memory go with "
                + "--discard-saved-state";
        }
    }

    /// <summary>A definition that is replaced keeps them, and they speak of disks that are gone then.</summary>
    private static IEnumerable<string> RefuseMetadata(DomainFacts facts)
    {
        if (facts.Snapshots.Count > 0)
        {
            yield return $"{facts.Name} has snapshots, which would not be those of the restored disks ({string.Join(", ", facts.Snapshots)}): "
                + "make libvirt forget them (files of external ones stay): " + string.Join(" ; ", facts.Snapshots.Select(
                    name => $"virsh snapshot-delete --metadata --domain {facts.Uuid} --snapshotname {ShellWord.Quote(name)}"));
        }

        if (facts.Checkpoints.Count > 0)
        {
            yield return $"{facts.Name} has checkpoints of another program, which would not be those of the restored disks "
                + $"({string.Join(", ", facts.Checkpoints)}): make libvirt forget them: " + string.Join(" ; ", facts.Checkpoints.Select(
                    name => $"virsh checkpoint-delete --metadata --domain {facts.Uuid} --checkpointname {ShellWord.Quote(name)}"));
        }
    }

    /// <summary>Disks alone are of no use where the definition, which stays, names others.</summary>
    private static IEnumerable<string> RefuseOtherDisks(
        DomainFacts facts, Manifest manifest, RestorePlan plan, RestoreRequest request)
    {
        foreach (ManifestDisk disk in manifest.Disks.Where(disk => request.Disk is null || disk.Target == request.Disk))
        {
            DiskFacts? current = facts.Disks.FirstOrDefault(known => known.Target == disk.Target);
            string? wrong = (plan.Edit.DiskPaths.GetValueOrDefault(disk.Target), current) switch
            {
                (_, null) => "has no such disk",
                ({ } path, { SourcePath: var source }) when source != path => $"names {source ?? "no file"} and not {path}",
                (null, { Rbd.Image: { } image }) when image != disk.Image?.Image => $"names the image {image} and not {disk.Image?.Image}",
                _ => null,
            };
            if (wrong is not null)
            {
                yield return $"disk {disk.Target}: the definition of {facts.Name} {wrong}, so {facts.Name} would not use what is "
                    + $"restored: restore the whole guest with its definition (--replace {facts.Name}, without --disk), or restore to "
                    + "another place with --to DIR";
            }
        }
    }

    private static IEnumerable<string> WarnOfDisks(DomainFacts facts, Manifest manifest, RestorePlan plan)
    {
        foreach (DiskFacts disk in facts.Disks.Where(disk => disk is { Device: "disk", SourcePath: not null, Rbd: null }
            && manifest.SkippedDisks.All(skipped => skipped.Target != disk.Target)
            && plan.Files.All(file => file.FilePath != disk.SourcePath)))
        {
            yield return $"disk {disk.Target} of the replaced definition, {disk.SourcePath}, is no disk of the restored guest; the file "
                + "stays: delete it when nothing needs it";
        }
    }
}
