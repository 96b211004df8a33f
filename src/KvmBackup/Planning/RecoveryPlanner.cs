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
            RecoveryAction.RepairDefinition, "the disk was detached from the guest, and nothing of it is in the overlay that its definition names"),
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
            new(RecoveryAction.RepairDefinition, "the disk is on its base, but the definition for the next start still names the overlay"),
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
        new(RecoveryAction.Keep, reason) { Advice = advice };
}

/// <summary>What recovery does with one disk.</summary>
public enum RecoveryAction
{
    /// <summary>It is as it should be.</summary>
    Nothing,

    /// <summary>Commit the overlay, with the guest running or not, and remove it.</summary>
    Release,

    /// <summary>Point the definition for the next start to the base, and remove the overlay.</summary>
    RepairDefinition,

    /// <summary>Remove the overlay, which nobody uses and which holds nothing that the base does not.</summary>
    RemoveOverlay,

    /// <summary>A person must look.</summary>
    Keep,
}

/// <summary>What to do with one disk, and why.</summary>
public sealed record RecoveryDecision(RecoveryAction Action, string Reason)
{
    /// <summary>What a person can do about one that is left alone.</summary>
    public RecoveryAdvice Advice { get; init; }
}

/// <summary>What a person can do about a disk that recovery leaves alone.</summary>
public enum RecoveryAdvice
{
    /// <summary>Nothing that can be said in a command: the reason tells all.</summary>
    None,

    /// <summary>The guest does not use the overlay: what it holds goes into the base, or away.</summary>
    KeepOrDiscard,

    /// <summary>The overlay is committed from below the file that depends on it.</summary>
    CommitBelow,

    /// <summary>Nothing can be committed; the file is kept elsewhere, or goes away.</summary>
    PutAside,
}

/// <summary>What a dead run left of one disk, as it is found.</summary>
/// <param name="State">How far the journal says that it came.</param>
/// <param name="BasePath">What the guest must be back on.</param>
/// <param name="OverlayPath">The overlay by the journal.</param>
/// <param name="IsActive">The domain runs or is paused.</param>
/// <param name="LiveSource">What the disk is on; null when the domain has no such disk any more.</param>
/// <param name="InactiveSource">What the next start uses.</param>
/// <param name="IsBaseSame">The base is still the file that it was.</param>
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
    /// <summary>Only the running guest had the disk, and its base was not written since the overlay was put on it.</summary>
    public bool IsUnusedSince { get; init; }

    /// <summary>Another file, which one of the definitions names, depends on the overlay, or may do so.</summary>
    public bool IsOverlayBelow { get; init; }

    /// <summary>One of the definitions names the overlay itself.</summary>
    public bool IsOverlayNamed => LiveSource == OverlayPath || InactiveSource == OverlayPath;
}

/// <summary>What is found where the journal says that an overlay is.</summary>
public enum OverlayPresence
{
    Missing,

    /// <summary>The overlay of that run.</summary>
    Ours,

    /// <summary>Another file by that name.</summary>
    Other,
}
