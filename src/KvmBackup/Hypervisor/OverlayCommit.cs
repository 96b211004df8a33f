using KvmBackup.Shell;
using Serilog;

namespace KvmBackup.Hypervisor;

/// <summary>
/// Brings a disk back from its overlay to its base. Each round reads where the disk stands and does the one thing that
/// comes next, so that it can start, or start again, from any state. Only the XML is believed: virsh ends with 1 after
/// jobs that went well, prints 100 % before ones that fail, and its texts differ by version.
/// </summary>
public sealed class OverlayCommit(Virsh virsh, LibvirtHost host, AppArmorProfile profile, TimeProvider time, ILogger log)
{
    private const int CommitAttempts = 3;
    private const int PivotAttempts = 20;

    // Half a minute: the time of a libvirt daemon that is started anew, by an upgrade for instance.
    private const int SilentReads = 40;
    private const string PermissionDenied = "Permission denied";
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    /// <inheritdoc cref="Virsh.CommandLine"/>
    public string CommandLine => virsh.CommandLine;

    /// <summary>The call that starts the commit: base and top by name, never down to the bottom of a chain.</summary>
    public ProgramCall CommitCall(DomainIdentity domain, PlannedOverlay overlay) => virsh.Call(
        "blockcommit", "--domain", domain.Uuid.ToString(), "--path", overlay.Target.Value,
        "--base", overlay.BasePath, "--top", overlay.OverlayPath, "--active");

    public ProgramCall PivotCall(DomainIdentity domain, PlannedOverlay overlay) => virsh.Call(
        "blockjob", "--domain", domain.Uuid.ToString(), "--path", overlay.Target.Value, "--pivot");

    /// <summary>Commits, waits and pivots, until live and inactive XML both show the base.</summary>
    /// <param name="limit">How long it may take altogether.</param>
    /// <param name="reached">Told each step.</param>
    /// <param name="noted">Gets what a person should know although it succeeds, as a sentence.</param>
    /// <returns>False when the guest is shut off, so that no block job can run: the images must be committed then.</returns>
    /// <exception cref="HypervisorException">It did not come to its end: a person must look.</exception>
    public async Task<bool> TryReleaseAsync(
        DomainFacts domain, PlannedOverlay overlay, TimeSpan limit, Action<JobStep> reached,
        Action<string> noted, CancellationToken cancellationToken)
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
                    // Attached to the running guest only, which has ended or has lost it.
                    return inactive.IsMissing ? false : throw Gone(identity, overlay);
                }

                DemandOnBase(domain, overlay, inactive);
                reached(JobStep.OnBase);
                log.Information("{Domain}: {Target} is back on {Base}", domain.Name, overlay.Target, overlay.BasePath);
                return true;
            }

            ProgramCall? next = live is null ? null : NextCall(identity, overlay, live);
            if (!attempts.MayGoOn(next, isPivot: live?.BlockJob is not null))
            {
                break;
            }

            if (next is not null)
            {
                if (await TryRunAsync(next, live!, attempts, reached, cancellationToken))
                {
                    if (attempts.AreFirst)
                    {
                        // As a rule it has come to its end already.
                        continue;
                    }
                }
                else if (await IsShutOffAsync(identity, cancellationToken))
                {
                    return false;
                }
                else if (attempts.IsBaseDenied)
                {
                    await AllowBaseAsync(identity, overlay, attempts, noted, cancellationToken);
                }
            }

            await Task.Delay(pause, time, cancellationToken);
            pause = pause * 1.5 < LongestPause ? pause * 1.5 : LongestPause;
        }

        string complaint = $"{attempts.Complaint} (gave up after {time.GetElapsedTime(start).TotalSeconds:0} s)";
        throw attempts.IsBaseDenied ? Denied(identity, overlay, $"{complaint}; {attempts.Obstacle}") : NeedsManualAction(
            identity, overlay, complaint, attempts switch
        {
            { IsReady: true } => $"`{PivotCall(identity, overlay)}` ; and then {OverlayAdvice.Recover}",
            { HasJob: true } => $"{OverlayAdvice.Recover} , which waits for the block job again",
            _ => $"{OverlayAdvice.Recover} , which tries again; or {OverlayAdvice.CommitActive(virsh.CommandLine, identity.Uuid, overlay)} and "
                + $"then {OverlayAdvice.Recover}",
        });
    }

    /// <summary>Whether a disk is on its base in both XMLs, with no job: the proof before an overlay is unlinked that
    /// was committed offline.</summary>
    public async Task<bool> IsOnBaseAsync(DomainFacts domain, PlannedOverlay overlay, CancellationToken cancellationToken)
    {
        DomainIdentity identity = domain.Identity;
        DiskState live = await StateAsync(identity, overlay, false, cancellationToken);
        DiskState inactive = await StateAsync(identity, overlay, true, cancellationToken);
        return (live.IsMissing || IsOn(overlay.BasePath, live)) && (inactive.IsMissing || inactive.SourcePath == overlay.BasePath);
    }

    private static bool IsOn(string path, DiskState? state) => state is { BlockJob: null } && state.SourcePath == path;

    private ProgramCall? NextCall(DomainIdentity domain, PlannedOverlay overlay, DiskState live) => live switch
    {
        { BlockJob: "active-commit", IsReady: true } => PivotCall(domain, overlay),
        { BlockJob: "active-commit" } => null,
        _ when IsOn(overlay.OverlayPath, live) => CommitCall(domain, overlay),
        _ when IsOn(overlay.BasePath, live) => null,
        { BlockJob: { } job } => throw NeedsManualAction(
            domain, overlay, $"a block job of another program ({job}) works on it",
            $"`{virsh.Call("blockjob", domain.Uuid.ToString(), overlay.Target.Value, "--info")}` ; and when no job is left: {OverlayAdvice.Recover}"),
        _ => throw new HypervisorException(
            OverlayAdvice.OnOtherFile(virsh.CommandLine, domain, overlay, live.SourcePath, live.Backing.Contains(overlay.OverlayPath)),
            ExitCode.ManualActionRequired),
    };

    private static void DemandOnBase(DomainFacts domain, PlannedOverlay overlay, DiskState inactive)
    {
        if (domain.IsPersistent && !inactive.IsMissing && inactive.SourcePath != overlay.BasePath)
        {
            throw new HypervisorException(
                $"{domain.Name}: the running guest has disk {overlay.Target} on its base {overlay.BasePath} again, but its "
                + $"definition for the next start names {inactive.SourcePath ?? "nothing"}: it would start from old data. "
                + $"Type: {OverlayAdvice.Recover} , which sets the definition back and removes the overlay {overlay.OverlayPath}",
                ExitCode.ManualActionRequired);
        }
    }

    /// <summary>Where a disk stands; null when libvirt does not answer, which may pass.</summary>
    private async Task<DiskState?> TryReadAsync(
        DomainIdentity domain, PlannedOverlay overlay, bool isInactive, Attempts attempts, CancellationToken cancellationToken)
    {
        try
        {
            DiskState state = await StateAsync(domain, overlay, isInactive, cancellationToken);
            attempts.Saw(state);
            return state;
        }
        catch (KvmBackupException failure) when (MayPass(failure))
        {
            if (await host.IsGoneAsync(domain, cancellationToken))
            {
                throw new HypervisorException($"{domain.Name}: libvirt has no such domain any more", ExitCode.ManualActionRequired, failure)
                {
                    IsDomainGone = true,
                };
            }

            attempts.SawNothing(failure.Message);
            return null;
        }
    }

    /// <summary>Runs a call whose answer may be lost: what it did is seen in the XML.</summary>
    private async Task<bool> TryRunAsync(
        ProgramCall call, DiskState live, Attempts attempts, Action<JobStep> reached, CancellationToken cancellationToken)
    {
        bool isPivot = live.BlockJob is not null;
        if (isPivot)
        {
            reached(JobStep.Ready);
        }

        try
        {
            ProgramResult result = await virsh.RunAsync(call, cancellationToken);
            reached(isPivot ? JobStep.Pivoted : JobStep.Committing);
            attempts.Ended(result);
            return result.IsSuccess;
        }
        catch (ShellException failure) when (MayPass(failure))
        {
            attempts.Complaint = failure.Message;
            return false;
        }
    }

    private async Task AllowBaseAsync(
        DomainIdentity domain, PlannedOverlay overlay, Attempts attempts, Action<string> noted,
        CancellationToken cancellationToken)
    {
        ProfileChange change = await profile.AllowWritesAsync(domain, overlay.BasePath, cancellationToken);
        attempts.Obstacle = change.Text;
        if (change.IsChanged)
        {
            noted($"disk {overlay.Target}: QEMU was not allowed to write to {overlay.BasePath}: {change.Text}");
        }
    }

    private async Task<bool> IsShutOffAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        try
        {
            return await host.StateAsync(domain, cancellationToken) == DomainState.ShutOff;
        }
        catch (KvmBackupException failure) when (MayPass(failure))
        {
            // Not known to be; the next round looks again.
            return false;
        }
    }

    private static bool MayPass(KvmBackupException failure) =>
        failure is ShellException { IsProgramMissing: false } or HypervisorException { ExitCode: ExitCode.Failed };

    /// <summary>Where the disk stands; in the definition for the next start, a disk of another target that names the overlay
    /// counts as it.</summary>
    private async Task<DiskState> StateAsync(
        DomainIdentity domain, PlannedOverlay overlay, bool isInactive, CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<DiskTarget, DiskState> states = await host.DiskStatesAsync(domain, isInactive, cancellationToken);
        DiskState? user = states.Values.FirstOrDefault(state => state.SourcePath == overlay.OverlayPath);
        return states.GetValueOrDefault(overlay.Target)
            ?? (user is null ? new DiskState(null, null, false) { IsMissing = true }
                : isInactive ? user : throw new HypervisorException(
                    $"{domain.Name}: disk {overlay.Target} was detached during the backup, and another disk of the guest uses its overlay "
                    + $"{overlay.OverlayPath} now: do not move or delete that file. See which: "
                    + OverlayAdvice.ListDisks(virsh.CommandLine, domain.Uuid), ExitCode.ManualActionRequired));
    }

    private static HypervisorException Gone(DomainIdentity domain, PlannedOverlay overlay) => new(
        $"{domain.Name}: disk {overlay.Target} was detached from the guest during the backup, and its overlay {overlay.OverlayPath} holds "
        + $"what the guest wrote since it began. {OverlayAdvice.CommitOrDiscard(overlay)}", ExitCode.ManualActionRequired);

    private static HypervisorException NeedsManualAction(
        DomainIdentity domain, PlannedOverlay overlay, string complaint, string command) => new(
        $"{domain.Name}: disk {overlay.Target} IS STILL ON ITS OVERLAY {overlay.OverlayPath}: {complaint}. "
        + $"The guest runs and loses nothing; do not delete that file. Type: {command}", ExitCode.ManualActionRequired);

    private HypervisorException Denied(DomainIdentity domain, PlannedOverlay overlay, string complaint) => new(
        $"{domain.Name}: disk {overlay.Target} IS STILL ON ITS OVERLAY {overlay.OverlayPath}: {complaint}. "
        + $"The guest runs and loses nothing; do not delete that file. Shut the guest down: `{virsh.CommandLine} shutdown {domain.Uuid}` ; "
        + $"when it is off: {OverlayAdvice.Recover} ; then start it again: `{virsh.CommandLine} start {domain.Uuid}`",
        ExitCode.ManualActionRequired)
    {
        IsBaseDenied = true,
    };

    /// <summary>What was tried up to now, and what was seen last.</summary>
    private sealed class Attempts
    {
        private int commits;
        private int pivots;
        private int silentReads;

        /// <summary>Nothing had to be tried again yet.</summary>
        public bool AreFirst => commits <= 1 && pivots <= 1;

        public string Complaint { get; set; } = "the block job did not become ready";

        public bool HasJob { get; private set; }

        /// <summary>Why the base is still write-protected, when it is.</summary>
        public string Obstacle { get; set; } = string.Empty;

        /// <summary>The last commit ended so: QEMU, which libvirt starts in the C locale, may not write to the base.</summary>
        public bool IsBaseDenied { get; private set; }
        public bool IsReady { get; private set; }

        public void Saw(DiskState state)
        {
            silentReads = 0;
            HasJob = state.BlockJob is not null;
            IsReady = state.IsReady;
        }

        public void SawNothing(string complaint)
        {
            silentReads++;
            IsBaseDenied = false;
            Complaint = complaint;
        }

        public void Ended(ProgramResult result)
        {
            Complaint = result.IsSuccess ? Complaint : result.Complaint;
            IsBaseDenied = !result.IsSuccess && !HasJob && Complaint.Contains(PermissionDenied, StringComparison.Ordinal);
        }

        /// <summary>Counts the call that comes next; false when there were enough of its kind.</summary>
        public bool MayGoOn(ProgramCall? next, bool isPivot) => next is null ? silentReads < SilentReads
            : isPivot ? ++pivots <= PivotAttempts : ++commits <= CommitAttempts;
    }
}

/// <summary>Where a disk stands according to one flavour of the XML.</summary>
/// <param name="SourcePath">The file or device that takes the guest's writes.</param>
/// <param name="BlockJob">The block job that runs on it: <c>active-commit</c>, <c>copy</c>; null for none.</param>
/// <param name="IsReady">The job has copied all and waits for the pivot.</param>
public sealed record DiskState(string? SourcePath, string? BlockJob, bool IsReady)
{
    /// <summary>The definition has no such disk.</summary>
    public bool IsMissing { get; init; }

    /// <summary>The format of <see cref="SourcePath"/>.</summary>
    public string Format { get; init; } = "raw";

    /// <summary>The files below it, the nearest first, as far as the XML names them.</summary>
    public IReadOnlyList<string> Backing { get; init; } = [];
}
