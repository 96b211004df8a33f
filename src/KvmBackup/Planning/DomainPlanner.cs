using KvmBackup.Configuration;

namespace KvmBackup.Planning;

/// <summary>Decides, from libvirt's description of a domain, which disks to back up and whether it is safe to
/// begin.</summary>
public static class DomainPlanner
{
    private const string Folder =
        "a folder of this host that QEMU presents as a disk (type='dir'), not a disk with content of its own";

    /// <param name="domain">The description of the domain by libvirt.</param>
    /// <param name="settings">The configuration of the domain.</param>
    /// <param name="virsh">The program with the options for the connection to libvirt, for commands in
    /// messages.</param>
    public static DomainPlan Plan(DomainFacts domain, DomainSettings settings, string virsh)
    {
        List<DiskFacts> taken = [];
        List<SkippedDisk> skipped = [];
        List<string> refusals = [.. RefuseDomain(domain, virsh)];
        foreach (DiskFacts disk in domain.Disks)
        {
            if (SkipReason(disk, settings, domain.Excluded) is { } reason)
            {
                skipped.Add(new SkippedDisk(disk.Target, reason));
            }
            else if (RefuseDisk(disk, domain, virsh) is { } refusal)
            {
                refusals.Add($"disk {disk.Target} {refusal}");
            }
            else
            {
                taken.Add(disk);
            }
        }

        if (taken.Count == 0 && refusals.Count == 0)
        {
            refusals.Add("it has no disk that can be backed up: " + string.Join(
                "; ", skipped.Select(disk => $"{disk.Target}: {disk.Reason}")));
        }

        return new DomainPlan(taken, skipped, refusals, [.. Warn(domain, settings, taken, skipped)]);
    }

    private static IEnumerable<string> RefuseDomain(DomainFacts domain, string virsh)
    {
        if (domain.State == DomainState.Other)
        {
            yield return "it is shutting down or in an unknown state; wait until it is not";
        }

        if (domain.RunningJob is { } job)
        {
            yield return $"another program's job runs on it ({job}): wait until it ends, "
                + $"or inspect it with: `{virsh} domjobinfo {domain.Uuid}`";
        }
    }

    /// <param name="disk">The disk.</param>
    /// <param name="settings">The configuration.</param>
    /// <param name="excluded">The disks that the domain's metadata exclude.</param>
    /// <returns>Why the disk is left out; null when it is backed up.</returns>
    public static string? SkipReason(
        DiskFacts disk, DomainSettings settings, IReadOnlyList<DiskTarget> excluded) => disk switch
        {
            _ when excluded.Contains(disk.Target) => "excluded in the domain's metadata (kvmbackup:exclude)",
            _ when !settings.Disks.Includes(disk.Target) => "excluded in the configuration",
            { Device: "cdrom" or "floppy" } => $"a {disk.Device} drive ({disk.SourceName})",
            { SourceType: DiskSourceType.None } => "no medium",
            { SourceType: DiskSourceType.Dir } => Folder,
            { IsReadOnly: true } => $"read-only ({disk.SourceName})",
            { IsShareable: true } => $"shareable: another guest may write to {disk.SourceName} at any time",
            _ => null,
        };

    private static string? RefuseDisk(DiskFacts disk, DomainFacts domain, string virsh)
    {
        Guid domainUuid = domain.Uuid;
        string exclude = $"or exclude it: disks: {{exclude: [{disk.Target}]}}";
        return disk switch
        {
            { BlockJob: "active-commit", SourcePath: { } path } when OverlayName.IsOurs(path) =>
                $"is being committed from the overlay of an interrupted backup, {path}. The guest runs and loses "
                + $"nothing. To finish: `{virsh} blockjob {domainUuid} {disk.Target} --pivot` ; after it has "
                + $"succeeded: {OverlayAdvice.Discard(path)}",
            { BlockJob: { } job } =>
                $"has another program's block job ({job}): wait until it ends, or inspect it with: "
                + $"`{virsh} blockjob {domainUuid} {disk.Target} --info`",
            { IsTransient: true } when domain.IsActive =>
                $"is transient (<transient/>), so libvirt takes no snapshot of it while the guest runs; {exclude}",
            { Refusal: { } reason } => $"{reason}; {exclude}",
            { Device: not "disk" } =>
                $"is a {disk.Device} (device='{disk.Device}'), which is passed through to the guest and cannot be "
                + $"backed up; {exclude}",
            { SourceType: DiskSourceType.Nvme } =>
                "is an NVMe device of this host that is passed through to the guest (type='nvme') and cannot be backed "
                + $"up; {exclude}",
            { Difference: { } difference } when !IsOnOverlay(disk) =>
                $"{difference}; a backup would hold only one of them, and a guest that restarts during it would lose "
                + $"data. Restart the guest, so that it uses the definition: `{virsh} shutdown {domainUuid}` ; when it "
                + $"is off: `{virsh} start {domainUuid}` ; or change the definition to what it uses: "
                + $"`{virsh} edit {domainUuid}` ; {exclude}",
            { Rbd: not null, Format: "raw" } => null,
            { Encryption: { Format: not DiskEncryption.Luks } encryption } =>
                $"is encrypted in the format {encryption.Format}, which overlays do not support; {exclude}",
            { SourceType: DiskSourceType.File or DiskSourceType.Block, SourcePath: null } =>
                $"has no path in the domain's XML; {exclude}",
            { SourceType: not (DiskSourceType.File or DiskSourceType.Block) } =>
                $"has a source of the type {disk.SourceTypeText}, which is not supported; use a file, a block device "
                + $"or an RBD image in the format raw, {exclude}",
            _ when !ImageFormats.IsSupported(disk.Format) =>
                $"has the format {disk.Format}; only {ImageFormats.Names} are supported; {exclude}",
            _ when OverlayName.IsOurs(disk.SourcePath!) =>
                $"is still on an overlay of an interrupted backup, {disk.SourcePath}. Run {OverlayAdvice.Recover}; "
                + "when it finds nothing (the backup was made by another host, or its journal is lost): "
                + $"{CommitAdvice(disk, domain, virsh)}",
            _ when OverlayName.IsPredecessors(disk.SourcePath!) =>
                $"is still on an overlay that kvmBackup left, {disk.SourcePath}. {CommitAdvice(disk, domain, virsh)}",
            _ => null,
        };
    }

    private static bool IsOnOverlay(DiskFacts disk) =>
        disk.SourcePath is { } path && (OverlayName.IsOurs(path) || OverlayName.IsPredecessors(path));

    // libvirt commits the disks of running guests only.
    private static string CommitAdvice(DiskFacts disk, DomainFacts domain, string virsh)
    {
        string start = domain.IsActive ? string.Empty : $"{virsh} start {domain.Uuid} && ";
        return "Nothing is lost; do not delete that file before it is committed: "
            + $"`{start}{virsh} blockcommit {domain.Uuid} {disk.Target} --shallow --active --pivot --verbose` ; after "
            + $"it has succeeded: {OverlayAdvice.Discard(disk.SourcePath!)}";
    }

    private static IEnumerable<string> Warn(
        DomainFacts domain, DomainSettings settings, IEnumerable<DiskFacts> taken, IEnumerable<SkippedDisk> skipped)
    {
        if (settings.IsUnlisted)
        {
            yield return "no rule of the configuration selects it, so it is backed up with the settings of the host, "
                + "and all its backups are kept until you delete them";
        }

        foreach (DiskFacts disk in taken.Where(disk => disk.Notice is not null))
        {
            yield return $"disk {disk.Target} {disk.Notice}";
        }

        foreach (DiskFacts disk in taken.Where(disk => disk.Presence != DiskPresence.Both))
        {
            yield return disk.Presence == DiskPresence.RunningOnly
                ? $"disk {disk.Target} ({disk.SourceText}) is attached to the running guest only and would be missing "
                    + "after its next start; it is in this backup, and domain.xml of the backup names it, so a "
                    + "restored guest has it"
                : $"disk {disk.Target} ({disk.SourceText}) is in the definition for the next start only; it is backed "
                    + "up without a snapshot, because the running guest does not use it";
        }

        foreach (DiskTarget target in settings.Disks.Excluded.Where(
            excluded => domain.Disks.All(disk => disk.Target != excluded)))
        {
            yield return $"the configuration excludes disk {target}, which the domain does not have";
        }

        foreach (DiskTarget target in domain.Excluded.Where(
            excluded => domain.Disks.All(disk => disk.Target != excluded)))
        {
            yield return $"the domain's metadata exclude disk {target}, which the domain does not have";
        }

        foreach (SkippedDisk disk in skipped.Where(
            disk => disk.Reason == Folder || disk.Reason.StartsWith("shareable", StringComparison.Ordinal)))
        {
            yield return $"disk {disk.Target} is not in this backup: {disk.Reason}";
        }

        foreach (DiskFacts disk in taken.Where(disk => disk.Encryption is not null))
        {
            yield return $"disk {disk.Target} is encrypted and backed up in encrypted form; a restored guest requires "
                + $"{disk.Encryption!.SecretText}, which is not in this backup: keep its value elsewhere";
        }

        if (domain.IsSaved)
        {
            yield return "its memory is saved on this host (virsh managedsave) and is not in this backup: the disks "
                + "alone are in the state after a power cut. For the complete state start the guest before the backup";
        }

        if (domain.HasTpm)
        {
            yield return "the state of its TPM is not in this backup; keep the recovery keys of the guest's encryption";
        }

        if (domain.HasForeignNvram)
        {
            yield return "its NVRAM is not a file of this host and is not in this backup: a restored guest may not "
                + "find its boot entries";
        }

        if (domain.Checkpoints.Count > 0)
        {
            yield return $"another program keeps checkpoints on it ({string.Join(", ", domain.Checkpoints)}); "
                + "that program's next increment may have to be a full backup";
        }

        if (!domain.IsPersistent)
        {
            yield return "it is transient: libvirt removes it when it stops; this backup can define it again";
        }
    }
}

/// <summary>The disks of a domain to back up, and the obstacles.</summary>
/// <param name="Taken">The disks to back up.</param>
/// <param name="Skipped">The disks left out, each with its reason.</param>
/// <param name="Refusals">Why this domain cannot be backed up now, each with what to do; empty when it can.</param>
/// <param name="Warnings">Warnings for the operator.</param>
public sealed record DomainPlan(
    IReadOnlyList<DiskFacts> Taken,
    IReadOnlyList<SkippedDisk> Skipped,
    IReadOnlyList<string> Refusals,
    IReadOnlyList<string> Warnings);

/// <summary>Selects one disk of a backup.</summary>
public static class DiskChoice
{
    /// <param name="manifest">The backup.</param>
    /// <param name="target">The named disk; null selects the only disk.</param>
    /// <exception cref="PlanningException">The disk is not in the backup, or the choice is ambiguous.</exception>
    public static ManifestDisk Find(Manifest manifest, DiskTarget? target)
    {
        string held = string.Join(", ", manifest.Disks.Select(disk => disk.Target));
        if (target is null)
        {
            return manifest.Disks.Count == 1 ? manifest.Disks[0] : throw new PlanningException(
                $"{manifest.Domain}@{manifest.Id} holds {manifest.Disks.Count} disks, {held}: name one with --disk.");
        }

        SkippedDisk? skipped = manifest.SkippedDisks.FirstOrDefault(disk => disk.Target == target);
        return manifest.Disks.FirstOrDefault(disk => disk.Target == target) ?? throw new PlanningException(
            $"{manifest.Domain}@{manifest.Id}: disk {target} is not in this backup"
            + (skipped is null ? string.Empty : $" ({skipped.Reason})") + $"; it holds {held}.");
    }
}
