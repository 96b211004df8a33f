namespace KvmBackup.Planning;

/// <summary>
/// Decides how to recover a disk that an interrupted run left with an overlay. A state in which data could be lost is
/// left
/// unchanged.
/// </summary>
public static class RecoveryPlanner
{
    public static RecoveryDecision Decide(PinFacts facts) => facts switch
    {
        { Overlay: OverlayPresence.Missing, IsOverlayNamed: false, IsOverlayBelow: false } =>
            new(RecoveryAction.Nothing, "there is no overlay, and no definition of the domain depends on one"),
        { IsOverlayBelow: true } => Below(facts),
        { Overlay: OverlayPresence.Other } =>
            Leave(
                "another file than the overlay of that run is at its path",
                facts.IsOverlayNamed ? RecoveryAdvice.None : RecoveryAdvice.KeepAsideOrDiscard),
        { IsBaseSame: false } =>
            Leave(
                $"{facts.BasePath} is no longer the file that it was when the overlay was put on it",
                facts.IsOverlayNamed ? RecoveryAdvice.None : RecoveryAdvice.KeepAsideOrDiscard),
        { LiveSource: null } => Detached(facts),
        _ when facts.LiveSource == facts.OverlayPath => OnOverlay(facts),
        _ when facts.LiveSource == facts.BasePath => OnBase(facts),
        _ => OnOtherFile(facts),
    };

    private static RecoveryDecision Below(PinFacts facts)
    {
        bool isInUse = facts.LiveSource is { } live && live != facts.BasePath && live != facts.OverlayPath;
        return facts.Overlay == OverlayPresence.Missing
                ? Leave("a definition of the domain names a file that depends on the overlay, which is missing")
            : isInUse ? Leave(
                $"the disk is on {facts.LiveSource}, which depends on the overlay: do not move or delete the overlay",
                RecoveryAdvice.CommitBelow)
            : Leave(
                "another disk, or the definition for the next start, depends on the overlay: do not move or delete it");
    }

    private static RecoveryDecision Detached(PinFacts facts) => facts switch
    {
        { InactiveSource: null, IsUnusedSince: true, Overlay: OverlayPresence.Ours } =>
            new(RecoveryAction.Release, "the disk was attached to the running guest only, which no longer has it"),
        { Overlay: OverlayPresence.Missing } => Leave(
            "the running guest no longer has this disk, and its definition for the next start names the overlay, "
                + "which is missing"),
        { IsOverlayWritten: true } => Leave(
            "the disk was detached from the domain, and its overlay holds what the guest wrote since the backup began",
            RecoveryAdvice.CommitOrDiscard),
        { IsOverlayNamed: true } => new(
            RecoveryAction.RepairDefinition,
            "the disk was detached from the guest, and the overlay that its definition names holds no writes"),
        _ => new(RecoveryAction.RemoveOverlay, "the disk was detached from the domain, and the overlay holds no "
            + "writes"),
    };

    private static RecoveryDecision OnOverlay(PinFacts facts) =>
        facts is { Overlay: OverlayPresence.Missing, IsActive: false }
            ? Leave("the definition names the overlay, but that file is missing")
            : new(RecoveryAction.Release, "the disk is still on its overlay");

    private static RecoveryDecision OnBase(PinFacts facts) => facts switch
    {
        { State: PinState.Planned or PinState.Pinned, IsOverlayNamed: true, Overlay: OverlayPresence.Missing } =>
            Leave("the running guest is on its base, but its definition names the overlay, and that file is missing"),
        { State: PinState.Planned or PinState.Pinned, IsOverlayNamed: true, IsOverlayWritten: true } =>
    Leave("the running guest is on its base, but its definition names the overlay, and no commit was started"),
        { IsOverlayNamed: true } => new(
            RecoveryAction.RepairDefinition,
            "the disk is on its base, but the definition for the next start still names the overlay"),
        { State: PinState.Releasing or PinState.Released } =>
            new(RecoveryAction.RemoveOverlay, "the commit ended; only the overlay was left"),
        { IsOverlayWritten: false } =>
            new(RecoveryAction.RemoveOverlay, "the disk is on its base, and the overlay holds no writes"),
        _ => Leave(
            "the disk was put back on its base by another program or person; the overlay may hold writes that the "
                + "base does "
                + "not",
            RecoveryAdvice.KeepAsideOrDiscard),
    };

    /// <summary>The disk is on another program's file that does not depend on the overlay.</summary>
    private static RecoveryDecision OnOtherFile(PinFacts facts) => facts switch
    {
        { IsOverlayNamed: true } => Leave(
            $"the disk is on {facts.LiveSource}, but its definition for the next start names the overlay"),
        { IsOverlayWritten: false } => new(
            RecoveryAction.RemoveOverlay, $"the disk is on {facts.LiveSource}, and the overlay holds no writes"),
        _ => Leave(
            $"the disk is on {facts.LiveSource}, which is neither its base nor the overlay, and does not depend on "
                + "the overlay",
            RecoveryAdvice.KeepAsideOrDiscard),
    };

    private static RecoveryDecision Leave(string reason, RecoveryAdvice advice = RecoveryAdvice.None) =>
        new(RecoveryAction.Keep, reason) { Advice = advice };
}

/// <summary>The action of recovery on one disk.</summary>
public enum RecoveryAction
{
    /// <summary>The disk is in order.</summary>
    Nothing,

    /// <summary>Commit the overlay of a running or stopped guest, and remove it.</summary>
    Release,

    /// <summary>Change the definition for the next start to the base, and remove the overlay.</summary>
    RepairDefinition,

    /// <summary>Remove the overlay, which is unused and holds no data that the base lacks.</summary>
    RemoveOverlay,

    /// <summary>Manual action required.</summary>
    Keep,
}

/// <summary>The action on one disk, with the reason.</summary>
public sealed record RecoveryDecision(RecoveryAction Action, string Reason)
{
    /// <summary>The advice for a disk that is left unchanged.</summary>
    public RecoveryAdvice Advice { get; init; }
}

/// <summary>The advice to an operator about a disk that recovery leaves unchanged.</summary>
public enum RecoveryAdvice
{
    /// <summary>No command: the reason is sufficient.</summary>
    None,

    /// <summary>The guest does not use the overlay: commit it into the base, or delete it.</summary>
    CommitOrDiscard,

    /// <summary>Commit the overlay from below the file that depends on it.</summary>
    CommitBelow,

    /// <summary>Nothing can be committed: rename the file to keep it, or delete it.</summary>
    KeepAsideOrDiscard,
}

/// <summary>The current state of one disk that an interrupted run left with an overlay.</summary>
/// <param name="State">The last state in the journal.</param>
/// <param name="BasePath">The file or device to which the disk must return.</param>
/// <param name="OverlayPath">The overlay in the journal.</param>
/// <param name="IsActive">The domain is running or paused.</param>
/// <param name="LiveSource">The disk's current source; null when the domain no longer has the disk.</param>
/// <param name="InactiveSource">The source in the definition for the next start.</param>
/// <param name="IsBaseSame">The base is still the same file.</param>
/// <param name="Overlay">What is at the overlay's path.</param>
/// <param name="IsOverlayWritten">The overlay holds writes of the guest.</param>
public sealed record PinFacts(
    PinState State,
    string BasePath,
    string OverlayPath,
    bool IsActive,
    string? LiveSource,
    string? InactiveSource,
    bool IsBaseSame,
    OverlayPresence Overlay,
    bool IsOverlayWritten)
{
    /// <summary>Only the running guest had the disk, and the base was not written since the overlay was put on
    /// it.</summary>
    public bool IsUnusedSince { get; init; }

    /// <summary>Another file that a definition names depends on the overlay, or may depend on it.</summary>
    public bool IsOverlayBelow { get; init; }

    /// <summary>A definition names the overlay itself.</summary>
    public bool IsOverlayNamed => LiveSource == OverlayPath || InactiveSource == OverlayPath;
}

/// <summary>What is at the overlay's path.</summary>
public enum OverlayPresence
{
    Missing,

    /// <summary>The overlay of that run.</summary>
    Ours,

    /// <summary>Another file of that name.</summary>
    Other,
}
