using KvmBackup.Model;
using KvmBackup.Shell;
using Serilog;

namespace KvmBackup.Hypervisor;

/// <summary>
/// Brings a disk back from its overlay to its base. Each round reads where the disk stands and does the one thing that
/// comes next, so that it can start, or start again, from any state. Only the XML is believed: virsh ends with 1 after
/// jobs that went well, prints 100 % before ones that fail, and its texts differ by version.
/// </summary>
public sealed class OverlayCommit(Virsh virsh, LibvirtHost host, TimeProvider time, ILogger log)
{
    private const int CommitAttempts = 3;
    private const int PivotAttempts = 20;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    /// <summary>The call that starts the commit: base and top by name, never down to the bottom of a chain.</summary>
    public ProgramCall CommitCall(DomainIdentity domain, PlannedOverlay overlay) => virsh.Call(
        "blockcommit", "--domain", domain.Uuid.ToString(), "--path", overlay.Target.Value,
        "--base", overlay.BasePath, "--top", overlay.OverlayPath, "--active");

    public ProgramCall PivotCall(DomainIdentity domain, PlannedOverlay overlay) => virsh.Call(
        "blockjob", "--domain", domain.Uuid.ToString(), "--path", overlay.Target.Value, "--pivot");

    /// <summary>Commits, waits and pivots, until live and inactive XML both show the base.</summary>
    /// <param name="limit">How long it may take altogether.</param>
    /// <param name="reached">Told each step.</param>
    /// <returns>False when the guest is shut off, so that no block job can run: the images must be committed then.</returns>
    /// <exception cref="HypervisorException">It did not come to its end: a person must look.</exception>
    public async Task<bool> TryReleaseAsync(
        DomainFacts domain, PlannedOverlay overlay, TimeSpan limit, Action<JobStep> reached,
        CancellationToken cancellationToken)
    {
        DomainIdentity identity = domain.Identity;
        long start = time.GetTimestamp();
        TimeSpan pause = FirstPause;
        int commits = 0;
        int pivots = 0;
        string complaint = "the block job did not become ready";
        while (time.GetElapsedTime(start) < limit && commits <= CommitAttempts && pivots <= PivotAttempts)
        {
            DiskState live = await StateAsync(identity, overlay.Target, false, cancellationToken);
            ProgramCall? next = NextCall(identity, overlay, live);
            if (live.SourcePath == overlay.BasePath && live.BlockJob is null)
            {
                await EnsureInactiveOnBaseAsync(domain, overlay, cancellationToken);
                reached(JobStep.OnBase);
                log.Information("{Domain}: {Target} is back on {Base}", domain.Name, overlay.Target, overlay.BasePath);
                return true;
            }

            if (next is not null)
            {
                bool isPivot = live.BlockJob is not null;
                _ = isPivot ? pivots++ : commits++;
                if (isPivot)
                {
                    reached(JobStep.Ready);
                }

                ProgramResult result = await virsh.RunAsync(next, cancellationToken);
                reached(isPivot ? JobStep.Pivoted : JobStep.Committing);
                complaint = result.IsSuccess ? complaint : result.Complaint;
                if (!result.IsSuccess && await host.StateAsync(identity, cancellationToken) == DomainState.ShutOff)
                {
                    return false;
                }
            }

            await Task.Delay(pause, time, cancellationToken);
            pause = pause * 1.5 < LongestPause ? pause * 1.5 : LongestPause;
        }

        throw NeedsPerson(identity, overlay, $"{complaint} (gave up after {time.GetElapsedTime(start).TotalSeconds:0} s)");
    }

    /// <summary>Whether a disk is on its base in both XMLs, with no job: the proof before an overlay is unlinked that
    /// was committed offline.</summary>
    public async Task<bool> IsOnBaseAsync(DomainFacts domain, PlannedOverlay overlay, CancellationToken cancellationToken)
    {
        DomainIdentity identity = domain.Identity;
        DiskState live = await StateAsync(identity, overlay.Target, false, cancellationToken);
        DiskState inactive = await StateAsync(identity, overlay.Target, true, cancellationToken);
        return live.SourcePath == overlay.BasePath && live.BlockJob is null && inactive.SourcePath == overlay.BasePath;
    }

    private ProgramCall? NextCall(DomainIdentity domain, PlannedOverlay overlay, DiskState live) => live switch
    {
        { BlockJob: null } when live.SourcePath == overlay.OverlayPath => CommitCall(domain, overlay),
        { BlockJob: "active-commit", IsReady: true } => PivotCall(domain, overlay),
        { BlockJob: null } when live.SourcePath == overlay.BasePath => null,
        { BlockJob: "active-commit" } => null,
        _ => throw NeedsPerson(
            domain, overlay, $"it is on {live.SourcePath ?? "nothing"} with block job {live.BlockJob ?? "none"}, which is not ours"),
    };

    private async Task EnsureInactiveOnBaseAsync(
        DomainFacts domain, PlannedOverlay overlay, CancellationToken cancellationToken)
    {
        DiskState inactive = await StateAsync(domain.Identity, overlay.Target, true, cancellationToken);
        if (domain.IsPersistent && inactive.SourcePath != overlay.BasePath)
        {
            throw NeedsPerson(
                domain.Identity, overlay,
                "the running guest is on its base, but its definition for the next start still names the overlay");
        }
    }

    private async Task<DiskState> StateAsync(
        DomainIdentity domain, DiskTarget target, bool isInactive, CancellationToken cancellationToken) =>
        (await host.DiskStatesAsync(domain, isInactive, cancellationToken)).GetValueOrDefault(target)
            ?? throw new HypervisorException(
                $"{domain.Name}: disk {target} is gone from the domain.", ExitCode.GuestNeedsPerson);

    private HypervisorException NeedsPerson(DomainIdentity domain, PlannedOverlay overlay, string complaint) => new(
        $"{domain.Name}: disk {overlay.Target} IS STILL ON ITS OVERLAY {overlay.OverlayPath}: {complaint}. "
        + "The guest runs and loses nothing; do not delete that file. Type: "
        + $"{CommitCall(domain, overlay)} --pivot --verbose ; when {virsh.Call("domblklist", domain.Uuid.ToString())} "
        + $"shows {overlay.BasePath} again, with and without --inactive, the overlay can be deleted.",
        ExitCode.GuestNeedsPerson);
}
