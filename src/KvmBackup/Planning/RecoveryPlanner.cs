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
        { Overlay: OverlayPresence.Missing, IsOverlayNamed: false, IsOverlayBelow: false } =>
            new(RecoveryAction.Nothing, "there is no overlay, and no definition of the domain depends on one"),
        { IsOverlayBelow: true } => Below(facts),
        { Overlay: OverlayPresence.Other } =>
            Leave("another file than the overlay of that run lies at its path", facts.IsOverlayNamed ? RecoveryAdvice.None : RecoveryAdvice.PutAside),
        { IsBaseSame: false } =>
            Leave(
                $"{facts.BasePath} is no longer the file that it was when the overlay was put on it",
                facts.IsOverlayNamed ? RecoveryAdvice.None : RecoveryAdvice.PutAside),
        { LiveSource: null } => Detached(facts),
        _ when facts.LiveSource == facts.OverlayPath => OnOverlay(facts),
        _ when facts.LiveSource == facts.BasePath => OnBase(facts),
        _ => Elsewhere(facts),
    };

    private static RecoveryDecision Below(PinFacts facts)
    {
        bool isInUse = facts.LiveSource is { } live && live != facts.BasePath && live != facts.OverlayPath;
        return facts.Overlay == OverlayPresence.Missing
                ? Leave("a definition of the domain names a file that depends on the overlay, and the overlay is gone")
            : isInUse ? Leave(
                $"the disk is on {facts.LiveSource}, which depends on the overlay: the overlay must not be moved or deleted",
                RecoveryAdvice.CommitBelow)
            : Leave("another disk, or the definition for the next start, depends on the overlay: it must not be moved or deleted");
    }

    private static RecoveryDecision Detached(PinFacts facts) => facts switch
    {
        { InactiveSource: null, IsUnusedSince: true, Overlay: OverlayPresence.Ours } =>
            new(RecoveryAction.Release, "the disk was attached to the running guest only, which does not have it any more"),
        { Overlay: OverlayPresence.Missing } => Leave(
            "the running guest has no such disk any more, and its definition for the next start names the overlay, which is gone"),
        { IsOverlayWritten: true } => Leave(
            "the disk was detached from the domain, and its overlay holds what the guest wrote since the backup began",
            RecoveryAdvice.KeepOrDiscard),
        { IsOverlayNamed: true } => new(
            RecoveryAction.MendDefinition, "the disk was detached from the guest, and nothing of it is in the overlay that its definition names"),
        _ => new(RecoveryAction.RemoveOverlay, "the disk was detached from the domain, and nothing of it is in the overlay"),
    };

    private static RecoveryDecision OnOverlay(PinFacts facts) =>
        facts is { Overlay: OverlayPresence.Missing, IsActive: false }
            ? Leave("the definition names the overlay, but that file is gone")
            : new(RecoveryAction.Release, "the disk is still on its overlay");

    private static RecoveryDecision OnBase(PinFacts facts) => facts switch
    {
        { State: PinState.Planned or PinState.Pinned, IsOverlayNamed: true, Overlay: OverlayPresence.Missing } =>
            Leave("the running guest is on its base, but its definition names the overlay, and that file is gone"),
        { State: PinState.Planned or PinState.Pinned, IsOverlayNamed: true, IsOverlayWritten: true } =>
            Leave("the running guest is on its base, but its definition names the overlay, and no commit was begun"),
        { IsOverlayNamed: true } =>
            new(RecoveryAction.MendDefinition, "the disk is on its base, but the definition for the next start still names the overlay"),
        { State: PinState.Releasing or PinState.Released } =>
            new(RecoveryAction.RemoveOverlay, "the commit ended; only the overlay was left"),
        { IsOverlayWritten: false } =>
            new(RecoveryAction.RemoveOverlay, "the disk is on its base, and nothing of the guest is in the overlay"),
        _ => Leave(
            "someone brought the disk back to its base since; the overlay may hold writes that the base does not", RecoveryAdvice.PutAside),
    };

    /// <summary>On a file of somebody else that does not depend on the overlay.</summary>
    private static RecoveryDecision Elsewhere(PinFacts facts) => facts switch
    {
        { IsOverlayNamed: true } => Leave(
            $"the disk is on {facts.LiveSource}, but its definition for the next start names the overlay"),
        { IsOverlayWritten: false } => new(
            RecoveryAction.RemoveOverlay, $"the disk is on {facts.LiveSource}, and nothing of the guest is in the overlay"),
        _ => Leave(
            $"the disk is on {facts.LiveSource}, which is neither its base nor the overlay, and does not depend on the overlay", RecoveryAdvice.PutAside),
    };

    private static RecoveryDecision Leave(string reason, RecoveryAdvice advice = RecoveryAdvice.None) =>
        new(RecoveryAction.LeaveAlone, reason) { Advice = advice };
}
