using KvmBackup.Hypervisor;
using KvmBackup.Planning;

namespace KvmBackup.Runs.Restore;

/// <summary>
/// The existing domain that a restore changes. State of it that would alter the restored guest prevents the restore, or
/// is reported.
/// </summary>
/// <param name="Identity">The domain.</param>
/// <param name="IsSaved">Its memory is saved, and the operator allowed to discard it.</param>
/// <param name="Warnings">Warnings for the operator.</param>
public sealed record ReplacedDomain(DomainIdentity Identity, bool IsSaved, IReadOnlyList<string> Warnings)
{
    /// <param name="host">libvirt.</param>
    /// <param name="manifest">The manifest of the backup.</param>
    /// <param name="plan">The plan of the restore.</param>
    /// <param name="request">The operator's request.</param>
    /// <param name="refusals">Receives each obstacle, with a hint.</param>
    /// <param name="cancellationToken">Cancels the search.</param>
    /// <returns>Null when there is no such domain, or the restore does not change it.</returns>
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
        refusals.AddRange(RefuseMetadata(facts, host.CommandLine));
        refusals.AddRange(plan.Define ? [] : RefuseOtherDisks(facts, manifest, plan, request));
        return new ReplacedDomain(identity, facts.IsSaved, plan.Define ? [.. WarnOfDisks(facts, manifest, plan)] : []);
    }

    private static IEnumerable<string> RefuseSaved(DomainFacts facts, RestoreRequest request)
    {
        if (facts.IsSaved && !request.DiscardsSavedState)
        {
            yield return $"the memory of {facts.Name} is saved on this host (virsh managedsave), and the next start "
                + "would resume that memory on the restored disks and destroy them: restore a copy with --as NEWNAME, "
                + "or discard the saved memory with --discard-saved-state";
        }
    }

    /// <summary>
    /// libvirt keeps snapshots and checkpoints when a definition is replaced, but they refer to the old disks.
    /// </summary>
    private static IEnumerable<string> RefuseMetadata(DomainFacts facts, string virsh)
    {
        if (facts.Snapshots.Count > 0)
        {
            yield return $"{facts.Name} has snapshots, which would not match the restored disks "
                + $"({string.Join(", ", facts.Snapshots.Select(snapshot => snapshot.Name))}): remove their metadata "
                + "(files of external ones stay): "
                + string.Join(" ; ", facts.Snapshots.Select(
                    snapshot => $"`{virsh} snapshot-delete --metadata --domain {facts.Uuid} --snapshotname "
                        + $"{ShellWord.Quote(snapshot.Name)}`"));
        }

        if (facts.Checkpoints.Count > 0)
        {
            yield return $"{facts.Name} has checkpoints of another program, which would not match the restored disks "
                + $"({string.Join(", ", facts.Checkpoints)}): remove their metadata: "
                + string.Join(" ; ", facts.Checkpoints.Select(
                    name => $"`{virsh} checkpoint-delete --metadata --domain {facts.Uuid} --checkpointname "
                        + $"{ShellWord.Quote(name)}`"));
        }
    }

    /// <summary>Without --define the definition stays, so it must already name the restored disks.</summary>
    private static IEnumerable<string> RefuseOtherDisks(
        DomainFacts facts, Manifest manifest, RestorePlan plan, RestoreRequest request)
    {
        foreach (ManifestDisk disk in manifest.Disks.Where(disk => request.Disk is null || disk.Target == request.Disk))
        {
            DiskFacts? current = facts.Disks.FirstOrDefault(known => known.Target == disk.Target);
            string? wrong = (plan.Edit.DiskPaths.GetValueOrDefault(disk.Target), current) switch
            {
                (_, null) => "has no such disk",
                ({ } path, { SourcePath: var source }) when source != path =>
                    $"names {source ?? "no file"} instead of {path}",
                (null, { Rbd.Image: { } image }) when image != disk.Image?.Image =>
                    $"names the image {image} instead of {disk.Image?.Image}",
                _ => null,
            };
            if (wrong is not null)
            {
                yield return $"disk {disk.Target}: the definition of {facts.Name} {wrong}, so {facts.Name} would not "
                    + $"use the restored disk: restore the whole guest with its definition (--replace {facts.Name}, "
                    + "without --disk), or restore into a folder with --to DIR";
            }
        }
    }

    private static IEnumerable<string> WarnOfDisks(DomainFacts facts, Manifest manifest, RestorePlan plan)
    {
        foreach (DiskFacts disk in facts.Disks.Where(disk => disk is { Device: "disk", SourcePath: not null, Rbd: null }
            && manifest.SkippedDisks.All(skipped => skipped.Target != disk.Target)
            && plan.Files.All(file => file.FilePath != disk.SourcePath)))
        {
            yield return $"disk {disk.Target} of the replaced definition, {disk.SourcePath}, is not a disk of the "
                + "restored guest; the file stays: delete it when it is not needed any more";
        }
    }
}
