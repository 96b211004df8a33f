using KvmBackup.Shell;
using Serilog;

namespace KvmBackup.Hypervisor;

/// <summary>
/// Moves a disk from its overlay back to its base. Each round reads the state of the disk and runs the next step, so
/// that it can start, or continue, from any state. Only the live and inactive XML are trusted: virsh ends with 1 after
/// successful jobs, prints 100 % before failing ones, and its texts differ by version.
/// </summary>
public sealed class OverlayCommit(
    Virsh virsh, LibvirtHost host, AppArmorProfile profile, TimeProvider time, ILogger log)
{
    private const int CommitAttempts = 3;
    private const int PivotAttempts = 20;

    // Half a minute: a libvirt daemon may restart, for example during an upgrade.
    private const int SilentReads = 40;
    private const string PermissionDenied = "Permission denied";
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    /// <inheritdoc cref="Virsh.CommandLine"/>
    public string CommandLine => virsh.CommandLine;

    /// <summary>
    /// The call that starts the commit: base and top by name, so never down to the bottom of a chain.
    /// </summary>
    public ProgramCall CommitCall(DomainIdentity domain, PlannedOverlay overlay) => virsh.Call(
        "blockcommit", "--domain", domain.Uuid.ToString(), "--path", overlay.Target.Value,
        "--base", overlay.BasePath, "--top", overlay.OverlayPath, "--active");

    public ProgramCall PivotCall(DomainIdentity domain, PlannedOverlay overlay) => virsh.Call(
        "blockjob", "--domain", domain.Uuid.ToString(), "--path", overlay.Target.Value, "--pivot");

    /// <summary>Commits, waits and pivots, until live and inactive XML both show the base.</summary>
    /// <param name="limit">The time limit for all steps together.</param>
    /// <param name="report">Receives each step.</param>
    /// <param name="addNote">Receives notes for the report, as sentences, also on success.</param>
    /// <returns>False when the guest is shut off, so that no block job can run: the overlay must be committed
    /// offline.</returns>
    /// <exception cref="HypervisorException">The commit did not finish: manual action required.</exception>
    public async Task<bool> TryReleaseAsync(
        DomainFacts domain, PlannedOverlay overlay, TimeSpan limit, Action<JobStep> report,
        Action<string> addNote, CancellationToken cancellationToken)
    {
        DomainIdentity identity = domain.Identity;
        Attempts attempts = new();
        long start = time.GetTimestamp();
        TimeSpan pause = FirstPause;
        while (time.GetElapsedTime(start) < limit)
        {
            DiskState? live = await TryReadAsync(identity, overlay, false, attempts, cancellationToken);
            if ((IsOn(overlay.BasePath, live) || live is { IsMissing: true })
                && await TryReadAsync(identity, overlay, true, attempts, cancellationToken) is { } inactive)
            {
                if (live!.IsMissing)
                {
                    // Attached to the running guest only, and the guest has ended or the disk was detached.
                    return inactive.IsMissing ? false : throw Detached(identity, overlay);
                }

                EnsureOnBase(domain, overlay, inactive);
                report(JobStep.OnBase);
                log.Information("{Domain}: {Target} is back on {Base}", domain.Name, overlay.Target, overlay.BasePath);
                return true;
            }

            ProgramCall? next = live is null ? null : NextCall(identity, overlay, live);
            if (!attempts.TryCount(next, isPivot: live?.BlockJob is not null))
            {
                break;
            }

            if (next is not null)
            {
                if (await TryRunAsync(next, live!, attempts, report, cancellationToken))
                {
                    if (attempts.AreFirst)
                    {
                        // The step is usually complete already.
                        continue;
                    }
                }
                else if (await IsShutOffAsync(identity, cancellationToken))
                {
                    return false;
                }
                else if (attempts.IsBaseDenied)
                {
                    await AllowBaseAsync(identity, overlay, attempts, addNote, cancellationToken);
                }
            }

            await Task.Delay(pause, time, cancellationToken);
            pause = pause * 1.5 < LongestPause ? pause * 1.5 : LongestPause;
        }

        string complaint = $"{attempts.ErrorText} (aborted after {time.GetElapsedTime(start).TotalSeconds:0} s)";
        if (attempts.IsBaseDenied)
        {
            throw Denied(identity, overlay, $"{complaint}; {attempts.Obstacle}");
        }

        string command = attempts switch
        {
            { IsReady: true } => $"`{PivotCall(identity, overlay)}` ; and then {OverlayAdvice.Recover}",
            { HasJob: true } => $"{OverlayAdvice.Recover} , which waits for the block job",
            _ => $"{OverlayAdvice.Recover} , which retries; or "
                + $"{OverlayAdvice.CommitActive(virsh.CommandLine, identity.Uuid, overlay)} and then "
                + OverlayAdvice.Recover,
        };
        throw NeedsManualAction(identity, overlay, complaint, command);
    }

    /// <summary>
    /// Whether a disk is on its base in both definitions, without a job: the proof that an overlay which was committed
    /// offline may be removed.
    /// </summary>
    public async Task<bool> IsOnBaseAsync(
        DomainFacts domain, PlannedOverlay overlay, CancellationToken cancellationToken)
    {
        DomainIdentity identity = domain.Identity;
        DiskState live = await StateAsync(identity, overlay, false, cancellationToken);
        DiskState inactive = await StateAsync(identity, overlay, true, cancellationToken);
        return (live.IsMissing || IsOn(overlay.BasePath, live))
            && (inactive.IsMissing || inactive.SourcePath == overlay.BasePath);
    }

    private static bool IsOn(string path, DiskState? state) => state is { BlockJob: null } && state.SourcePath == path;

    private ProgramCall? NextCall(DomainIdentity domain, PlannedOverlay overlay, DiskState live) => live switch
    {
        { BlockJob: "active-commit", IsReady: true } => PivotCall(domain, overlay),
        { BlockJob: "active-commit" } => null,
        _ when IsOn(overlay.OverlayPath, live) => CommitCall(domain, overlay),
        _ when IsOn(overlay.BasePath, live) => null,
        { BlockJob: { } job } => throw NeedsManualAction(
            domain, overlay, $"a block job of another program ({job}) runs on it",
            $"`{virsh.Call("blockjob", domain.Uuid.ToString(), overlay.Target.Value, "--info")}` ; when no job is "
                + $"left: {OverlayAdvice.Recover}"),
        _ => throw new HypervisorException(
            OverlayAdvice.OnOtherFile(
                virsh.CommandLine, domain, overlay, live.SourcePath, live.Backing.Contains(overlay.OverlayPath)),
            ExitCode.ManualActionRequired),
    };

    private static void EnsureOnBase(DomainFacts domain, PlannedOverlay overlay, DiskState inactive)
    {
        if (domain.IsPersistent && !inactive.IsMissing && inactive.SourcePath != overlay.BasePath)
        {
            throw new HypervisorException(
                $"{domain.Name}: {overlay.Target}: the running guest is on the base {overlay.BasePath} again, but its "
                    + $"definition for the next start names {inactive.SourcePath ?? "no source"}: it would start from "
                    + $"old data. Run: {OverlayAdvice.Recover} , which repairs the definition and removes the overlay "
                    + $"{overlay.OverlayPath}",
                ExitCode.ManualActionRequired);
        }
    }

    /// <summary>The state of a disk; null when libvirt does not answer, which may be temporary.</summary>
    private async Task<DiskState?> TryReadAsync(
        DomainIdentity domain, PlannedOverlay overlay, bool isInactive, Attempts attempts,
        CancellationToken cancellationToken)
    {
        try
        {
            DiskState state = await StateAsync(domain, overlay, isInactive, cancellationToken);
            attempts.RecordState(state);
            return state;
        }
        catch (KvmBackupException failure) when (IsTemporary(failure))
        {
            if (await host.IsGoneAsync(domain, cancellationToken))
            {
                throw new HypervisorException(
                    $"{domain.Name}: the domain does not exist any more", ExitCode.ManualActionRequired, failure)
                {
                    IsDomainGone = true,
                };
            }

            attempts.RecordFailure(failure.Message);
            return null;
        }
    }

    /// <summary>Runs a call whose answer may be lost: its effect is read from the XML.</summary>
    private async Task<bool> TryRunAsync(
        ProgramCall call, DiskState live, Attempts attempts, Action<JobStep> report,
        CancellationToken cancellationToken)
    {
        bool isPivot = live.BlockJob is not null;
        if (isPivot)
        {
            report(JobStep.Ready);
        }

        try
        {
            ProgramResult result = await virsh.RunAsync(call, cancellationToken);
            report(isPivot ? JobStep.Pivoted : JobStep.Committing);
            attempts.RecordResult(result);
            return result.IsSuccess;
        }
        catch (ShellException failure) when (IsTemporary(failure))
        {
            attempts.ErrorText = failure.Message;
            return false;
        }
    }

    private async Task AllowBaseAsync(
        DomainIdentity domain, PlannedOverlay overlay, Attempts attempts, Action<string> addNote,
        CancellationToken cancellationToken)
    {
        ProfileChange change = await profile.AllowWritesAsync(domain, overlay.BasePath, cancellationToken);
        attempts.Obstacle = change.Text;
        if (change.IsChanged)
        {
            addNote($"disk {overlay.Target}: QEMU was not allowed to write to {overlay.BasePath}: {change.Text}");
        }
    }

    private async Task<bool> IsShutOffAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        try
        {
            return await host.StateAsync(domain, cancellationToken) == DomainState.ShutOff;
        }
        catch (KvmBackupException failure) when (IsTemporary(failure))
        {
            // Unknown; the next round checks again.
            return false;
        }
    }

    private static bool IsTemporary(KvmBackupException failure) =>
        failure is ShellException { IsProgramMissing: false } or HypervisorException { ExitCode: ExitCode.Failed };

    /// <summary>
    /// The state of the disk. In the definition for the next start, a disk of another target that names the overlay
    /// counts as this disk.
    /// </summary>
    private async Task<DiskState> StateAsync(
        DomainIdentity domain, PlannedOverlay overlay, bool isInactive, CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<DiskTarget, DiskState> states =
            await host.DiskStatesAsync(domain, isInactive, cancellationToken);
        DiskState? user = states.Values.FirstOrDefault(state => state.SourcePath == overlay.OverlayPath);
        return states.GetValueOrDefault(overlay.Target)
            ?? (user is null ? new DiskState(null, null, false) { IsMissing = true }
                : isInactive ? user : throw new HypervisorException(
                    $"{domain.Name}: {overlay.Target}: the disk was detached during the backup, and another disk of "
                        + $"the guest uses its overlay {overlay.OverlayPath} now: do not move or delete that file. To "
                        + "see which: "
                    + OverlayAdvice.ListDisks(virsh.CommandLine, domain.Uuid), ExitCode.ManualActionRequired));
    }

    private static HypervisorException Detached(DomainIdentity domain, PlannedOverlay overlay) => new(
        $"{domain.Name}: {overlay.Target}: the disk was detached from the guest during the backup. Its overlay "
            + $"{overlay.OverlayPath} contains what the guest wrote since the backup began. "
            + $"{OverlayAdvice.CommitOrDiscard(overlay)}", ExitCode.ManualActionRequired);

    private static HypervisorException NeedsManualAction(
        DomainIdentity domain, PlannedOverlay overlay, string complaint, string command) => new(
        $"{domain.Name}: {overlay.Target}: THE DISK IS STILL ON ITS OVERLAY {overlay.OverlayPath}: {complaint}. The "
            + $"guest runs on its overlay, and no data is lost; do not delete that file. Run: {command}",
            ExitCode.ManualActionRequired);

    private HypervisorException Denied(DomainIdentity domain, PlannedOverlay overlay, string complaint) => new(
        $"{domain.Name}: {overlay.Target}: THE DISK IS STILL ON ITS OVERLAY {overlay.OverlayPath}: {complaint}. The "
            + $"guest runs on its overlay, and no data is lost; do not delete that file. Shut the guest down: "
            + $"`{virsh.CommandLine} shutdown {domain.Uuid}` ; when it is shut off: {OverlayAdvice.Recover} ; then "
            + $"start it again: `{virsh.CommandLine} start {domain.Uuid}`",
        ExitCode.ManualActionRequired)
    {
        IsBaseDenied = true,
    };

    /// <summary>Counts the attempts and keeps the last result.</summary>
    private sealed class Attempts
    {
        private int commits;
        private int pivots;
        private int silentReads;

        /// <summary>No call was repeated yet.</summary>
        public bool AreFirst => commits <= 1 && pivots <= 1;

        public string ErrorText { get; set; } = "the block job did not become ready";

        public bool HasJob { get; private set; }

        /// <summary>Why QEMU still may not write to the base.</summary>
        public string Obstacle { get; set; } = string.Empty;

        /// <summary>
        /// The last commit failed because QEMU may not write to the base. libvirt starts QEMU in the C locale.
        /// </summary>
        public bool IsBaseDenied { get; private set; }
        public bool IsReady { get; private set; }

        public void RecordState(DiskState state)
        {
            silentReads = 0;
            HasJob = state.BlockJob is not null;
            IsReady = state.IsReady;
        }

        public void RecordFailure(string complaint)
        {
            silentReads++;
            IsBaseDenied = false;
            ErrorText = complaint;
        }

        public void RecordResult(ProgramResult result)
        {
            ErrorText = result.IsSuccess ? ErrorText : result.ErrorText;
            IsBaseDenied = !result.IsSuccess && !HasJob
                && ErrorText.Contains(PermissionDenied, StringComparison.Ordinal);
        }

        /// <summary>Counts the next call; false when the limit for its kind is reached.</summary>
        public bool TryCount(ProgramCall? next, bool isPivot) => next is null ? silentReads < SilentReads
            : isPivot ? ++pivots <= PivotAttempts : ++commits <= CommitAttempts;
    }
}

/// <summary>The state of a disk according to one definition.</summary>
/// <param name="SourcePath">The file or device that receives the guest's writes.</param>
/// <param name="BlockJob">The block job that runs on it: <c>active-commit</c>, <c>copy</c>; null for none.</param>
/// <param name="IsReady">The job has copied everything and waits for the pivot.</param>
public sealed record DiskState(string? SourcePath, string? BlockJob, bool IsReady)
{
    /// <summary>The definition has no such disk.</summary>
    public bool IsMissing { get; init; }

    /// <summary>The format of <see cref="SourcePath"/>.</summary>
    public string Format { get; init; } = "raw";

    /// <summary>The files of the backing chain, nearest first, as far as the XML names them.</summary>
    public IReadOnlyList<string> Backing { get; init; } = [];
}
