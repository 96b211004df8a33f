using KvmBackup.Planning;

namespace KvmBackup.Tests.Planning;

/// <summary>Every state of a disk after an interrupted run, compared with independent rules.</summary>
public sealed class RecoveryPlannerTests
{
    private const string Base = "/images/base";
    private const string Overlay = "/images/overlay";
    private const string Foreign = "/images/foreign";
    private static readonly bool[] Both = [false, true];
    private static readonly string?[] Sources = [null, Base, Overlay, Foreign];

    private static IEnumerable<PinFacts> All =>
        from state in Enum.GetValues<PinState>()
        from live in Sources
        from inactive in Sources
        from presence in Enum.GetValues<OverlayPresence>()
        from isBaseSame in Both
        from isActive in Both
        from isWritten in Both
        from isBelow in live == Foreign || inactive == Foreign ? Both : [false]
        select new PinFacts(state, Base, Overlay, isActive, live, inactive, isBaseSame, presence,
            isWritten && presence == OverlayPresence.Ours)
        {
            IsOverlayBelow = isBelow,
        };

    [Fact]
    public void A_disk_of_the_ended_guest_only_is_released_while_its_base_is_unchanged()
    {
        PinFacts facts = new(PinState.Pinned, Base, Overlay, false, null, null, true, OverlayPresence.Ours,
            true)
        { IsUnusedSince = true };

        Assert.Equal(RecoveryAction.Release, RecoveryPlanner.Decide(facts).Action);
        Assert.All(
            [
                facts with { IsUnusedSince = false }, facts with { InactiveSource = Overlay },
                facts with { IsBaseSame = false },
                facts with { Overlay = OverlayPresence.Other },
            ],
            other => Assert.Equal(RecoveryAction.Keep, RecoveryPlanner.Decide(other).Action));
    }

    [Fact]
    public void Every_state_gets_the_expected_action()
    {
        int count = 0;
        foreach (PinFacts facts in All)
        {
            count++;
            RecoveryDecision decision = RecoveryPlanner.Decide(facts);
            Assert.True(Expected(facts) == decision.Action, $"{facts}: expected {Expected(facts)}, was {decision}");
            Assert.NotEmpty(decision.Reason);
        }

        Assert.Equal(4 * (16 + 7) * 3 * 2 * 2 * 2, count);
    }

    [Fact]
    public void An_overlay_is_never_removed_while_a_definition_names_it() => Never(
        RecoveryAction.RemoveOverlay, facts => facts.LiveSource == Overlay || facts.InactiveSource == Overlay);

    [Fact]
    public void An_overlay_that_a_named_file_depends_on_is_kept()
    {
        foreach (PinFacts facts in All.Where(facts => facts.IsOverlayBelow))
        {
            Assert.Equal(RecoveryAction.Keep, RecoveryPlanner.Decide(facts).Action);
        }
    }

    [Fact]
    public void No_advice_moves_or_deletes_an_overlay_that_a_definition_depends_on()
    {
        foreach (PinFacts facts in All.Where(facts => facts.IsOverlayBelow))
        {
            Assert.Contains(
                RecoveryPlanner.Decide(facts).Advice, new[] { RecoveryAdvice.None, RecoveryAdvice.CommitBelow });
        }

        foreach (PinFacts facts in All.Where(facts => facts.IsOverlayNamed))
        {
            Assert.NotEqual(RecoveryAdvice.KeepAsideOrDiscard, RecoveryPlanner.Decide(facts).Advice);
        }
    }

    [Fact]
    public void A_commit_is_advised_only_when_the_base_is_unchanged()
    {
        foreach (PinFacts facts in All.Where(
            facts => RecoveryPlanner.Decide(facts).Advice == RecoveryAdvice.CommitOrDiscard))
        {
            Assert.True(facts is { IsBaseSame: true, LiveSource: null, Overlay: OverlayPresence.Ours }, $"{facts}");
        }
    }

    [Fact]
    public void An_overlay_with_data_that_the_base_may_lack_is_never_removed() => Never(
        RecoveryAction.RemoveOverlay,
        facts =>
            facts.IsOverlayWritten && (facts.LiveSource != Base || facts.State is PinState.Planned or PinState.Pinned));

    [Fact]
    public void A_definition_is_repaired_only_after_a_commit_or_for_an_empty_overlay() => Never(
        RecoveryAction.RepairDefinition,
        facts => facts.InactiveSource != Overlay || facts.LiveSource is Overlay or Foreign
            || (facts.IsOverlayWritten && (facts.LiveSource != Base || facts.State < PinState.Releasing)));

    [Fact]
    public void Nothing_is_changed_when_the_base_or_the_overlay_is_another_file()
    {
        foreach (PinFacts facts in All.Where(facts => !facts.IsBaseSame || facts.Overlay == OverlayPresence.Other))
        {
            Assert.Contains(
                RecoveryPlanner.Decide(facts).Action, new[] { RecoveryAction.Nothing, RecoveryAction.Keep });
        }
    }

    [Fact]
    public void An_overlay_that_the_domain_does_not_use_is_never_committed() => Never(
        RecoveryAction.Release, facts => facts.LiveSource != Overlay);

    [Fact]
    public void Nothing_is_done_only_for_a_missing_overlay_that_no_definition_names() => Never(
        RecoveryAction.Nothing,
        facts =>
            facts.Overlay != OverlayPresence.Missing || facts.LiveSource == Overlay || facts.InactiveSource == Overlay);

    private static void Never(RecoveryAction action, Func<PinFacts, bool> when)
    {
        foreach (PinFacts facts in All.Where(when))
        {
            Assert.True(RecoveryPlanner.Decide(facts).Action != action, $"{facts}");
        }
    }

    /// <summary>An independent statement of the rules, ordered by the risk to the guest's data.</summary>
    private static RecoveryAction Expected(PinFacts facts)
    {
        bool isNamed = facts.LiveSource == Overlay || facts.InactiveSource == Overlay;
        bool isThere = facts.Overlay == OverlayPresence.Ours;
        bool areFilesKnown = facts.IsBaseSame && facts.Overlay != OverlayPresence.Other;
        bool isCommitted = facts.LiveSource == Base && facts.State is PinState.Releasing or PinState.Released;
        bool holdsNothing = isThere ? !facts.IsOverlayWritten : facts.LiveSource == Base;

        if (facts.IsOverlayBelow)
        {
            return RecoveryAction.Keep;
        }

        if (facts.Overlay == OverlayPresence.Missing && !isNamed)
        {
            return RecoveryAction.Nothing;
        }

        if (!areFilesKnown)
        {
            return RecoveryAction.Keep;
        }

        if (facts.LiveSource == Overlay)
        {
            // A running QEMU holds a file that was unlinked, and can still commit it.
            return isThere || facts.IsActive ? RecoveryAction.Release : RecoveryAction.Keep;
        }

        if (isNamed)
        {
            return (facts.LiveSource == Base && isCommitted) || (facts.LiveSource != Foreign && isThere && holdsNothing)
                ? RecoveryAction.RepairDefinition : RecoveryAction.Keep;
        }

        return (facts.LiveSource == Base && isCommitted) || holdsNothing ? RecoveryAction.RemoveOverlay
            : RecoveryAction.Keep;
    }
}
