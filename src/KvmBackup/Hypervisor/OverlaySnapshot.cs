using KvmBackup.Model;
using KvmBackup.Shell;

namespace KvmBackup.Hypervisor;

/// <summary>Puts overlays on all disks of a running domain at one instant.</summary>
public sealed class OverlaySnapshot(Virsh virsh)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>
    /// The one call that pins: every disk has a diskspec of its own, since libvirt would snapshot a disk that is not named.
    /// </summary>
    public ProgramCall CreateCall(DomainFacts domain, BackupId id, IReadOnlyList<PlannedOverlay> overlays)
    {
        List<string> arguments =
        [
            "snapshot-create-as", "--domain", domain.Uuid.ToString(), "--name", $"kvmbackup-{id}",
            "--disk-only", "--atomic", "--no-metadata",
        ];
        foreach (DiskFacts disk in domain.Disks)
        {
            PlannedOverlay? overlay = overlays.FirstOrDefault(planned => planned.Target == disk.Target);
            arguments.Add("--diskspec");
            arguments.Add(overlay is null
                ? $"{disk.Target},snapshot=no"
                : $"{disk.Target},snapshot=external,driver=qcow2,stype=file,file={Escape(overlay.OverlayPath)}");
        }

        return virsh.Call(arguments) with { Timeout = Limit };
    }

    /// <exception cref="HypervisorException">
    /// libvirt refused; as the call is atomic no disk has an overlay then, which the caller checks all the same. Needs a
    /// person when no answer came.
    /// </exception>
    public async Task CreateAsync(
        DomainFacts domain, BackupId id, IReadOnlyList<PlannedOverlay> overlays, CancellationToken cancellationToken)
    {
        try
        {
            await virsh.AskAsync(CreateCall(domain, id, overlays), $"{domain.Name}: taking the snapshot", cancellationToken);
        }
        catch (ShellException failure) when (!failure.IsProgramMissing)
        {
            // Killing virsh does not stop libvirt, which may come to it later.
            throw new HypervisorException(
                $"{domain.Name}: libvirt did not answer whether it took the snapshot, and may do so yet: {failure.Message} "
                + $"Look with: {virsh.Call("domblklist", domain.Uuid.ToString())} ; should it show a file of the name "
                + "kvmbackup.* for a disk, type for that disk: "
                + $"{virsh.Call("blockcommit", domain.Uuid.ToString(), "DISK", "--shallow", "--active", "--pivot", "--verbose")}",
                ExitCode.GuestNeedsPerson, failure);
        }
    }

    // virsh splits a diskspec at commas; a comma of the path is doubled.
    private static string Escape(string path) => path.Replace(",", ",,", StringComparison.Ordinal);
}
