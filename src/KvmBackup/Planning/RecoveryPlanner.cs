using KvmBackup.Model;

namespace KvmBackup.Planning;

/// <summary>
/// Decides what a disk needs that a dead run had pinned. What cannot be told apart from a state in which data would be
/// lost is left alone.
/// </summary>
public static class RecoveryPlanner
{
    public static RecoveryDecision Decide(PinFacts facts) => facts switch
    {
        { LiveSource: null } when facts.InactiveSource == facts.OverlayPath =>
            Leave("the running guest has no such disk any more, but its definition for the next start names the overlay"),
        { LiveSource: null, Overlay: OverlayPresence.Missing } =>
            new(RecoveryAction.Nothing, "the domain has no such disk any more, and there is no overlay"),
        { LiveSource: null, InactiveSource: null, IsUnusedSince: true, IsBaseSame: true, Overlay: OverlayPresence.Ours } =>
            new(RecoveryAction.Release, "the disk was attached to the running guest only, which does not have it any more"),
        { LiveSource: null } =>
            Leave("the domain has no such disk any more, but its overlay is still there and may hold what the guest wrote"),
        { Overlay: OverlayPresence.Other } =>
            Leave("another file than the overlay of that run lies at its path"),
        { IsBaseSame: false } =>
            Leave($"{facts.BasePath} is no longer the file that it was when the overlay was put on it"),
        _ when facts.LiveSource == facts.OverlayPath => OnOverlay(facts),
        _ when facts.LiveSource == facts.BasePath => OnBase(facts),
        _ => Leave($"the disk is on {facts.LiveSource}, which is neither its base nor the overlay"),
    };

    private static RecoveryDecision OnOverlay(PinFacts facts) =>
        facts is { Overlay: OverlayPresence.Missing, IsActive: false }
            ? Leave("the definition names the overlay, but that file is gone")
            : new(RecoveryAction.Release, "the disk is still on its overlay");

    private static RecoveryDecision OnBase(PinFacts facts) => facts switch
    {
        { State: PinState.Planned or PinState.Pinned } when facts.InactiveSource == facts.OverlayPath =>
            Leave("the running guest is on its base, but its definition names the overlay, and no commit was begun"),
        _ when facts.InactiveSource == facts.OverlayPath =>
            new(RecoveryAction.MendDefinition, "the commit ended, but the definition still names the overlay"),
        { Overlay: OverlayPresence.Missing } => new(RecoveryAction.Nothing, "the disk is on its base"),
        { InactiveSource: not null } when facts.InactiveSource != facts.BasePath =>
            Leave($"the definition for the next start names {facts.InactiveSource}, which may stand on the overlay"),
        { State: PinState.Releasing or PinState.Released } =>
            new(RecoveryAction.RemoveOverlay, "the commit ended; only the overlay was left"),

        // The snapshot was asked for and never seen: an overlay without a write in it never took effect.
        { State: PinState.Planned, IsOverlayWritten: false } =>
            new(RecoveryAction.RemoveOverlay, "the overlay was made, but the guest never used it"),
        _ => Leave("someone brought the disk back to its base since; the overlay may hold writes that the base does not"),
    };

    private static RecoveryDecision Leave(string reason) => new(RecoveryAction.LeaveAlone, reason);
}
