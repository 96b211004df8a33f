using KvmBackup.Planning;

namespace KvmBackup.Tests.Planning;

/// <summary>The whole table of what a dead run can have left of a disk, against the rules in other words.</summary>
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
        select new PinFacts(state, Base, Overlay, isActive, live, inactive, isBaseSame, presence, isWritten && presence == OverlayPresence.Ours)
        {
            IsOverlayBelow = isBelow,
        };

    [Fact]
    public void A_disk_that_only_the_ended_guest_had_is_released_while_its_base_is_as_it_was()
    {
        PinFacts facts = new(PinState.Pinned, Base, Overlay, false, null, null, true, OverlayPresence.Ours, true) { IsUnusedSince = true };

        Assert.Equal(RecoveryAction.Release, RecoveryPlanner.Decide(facts).Action);
        Assert.All(
            [
                facts with { IsUnusedSince = false }, facts with { InactiveSource = Overlay }, facts with { IsBaseSame = false },
                facts with { Overlay = OverlayPresence.Other },
            ],
            other => Assert.Equal(RecoveryAction.Keep, RecoveryPlanner.Decide(other).Action));
    }

    [Fact]
    public void Every_state_gets_what_the_rules_say()
    {
        int looked = 0;
        foreach (PinFacts facts in All)
        {
            looked++;
            RecoveryDecision decision = RecoveryPlanner.Decide(facts);
            Assert.True(Expected(facts) == decision.Action, $"{facts}: expected {Expected(facts)}, was {decision}");
            Assert.NotEmpty(decision.Reason);
        }

        Assert.Equal(4 * (16 + 7) * 3 * 2 * 2 * 2, looked);
    }

    [Fact]
    public void An_overlay_is_never_removed_while_a_definition_names_it() => Never(
        RecoveryAction.RemoveOverlay, facts => facts.LiveSource == Overlay || facts.InactiveSource == Overlay);

    [Fact]
    public void Nothing_is_done_about_an_overlay_that_a_named_file_depends_on()
    {
        foreach (PinFacts facts in All.Where(facts => facts.IsOverlayBelow))
        {
            Assert.Equal(RecoveryAction.Keep, RecoveryPlanner.Decide(facts).Action);
        }
    }

    [Fact]
    public void Nobody_is_told_to_move_or_delete_an_overlay_that_is_named_or_that_a_named_file_depends_on()
    {
        foreach (PinFacts facts in All.Where(facts => facts.IsOverlayBelow))
        {
            Assert.Contains(RecoveryPlanner.Decide(facts).Advice, new[] { RecoveryAdvice.None, RecoveryAdvice.CommitBelow });
        }

        foreach (PinFacts facts in All.Where(facts => facts.IsOverlayNamed))
        {
            Assert.NotEqual(RecoveryAdvice.PutAside, RecoveryPlanner.Decide(facts).Advice);
        }
    }

    [Fact]
    public void What_is_in_an_overlay_is_advised_to_go_into_its_base_only_when_nobody_wrote_to_the_base_since()
    {
        foreach (PinFacts facts in All.Where(facts => RecoveryPlanner.Decide(facts).Advice == RecoveryAdvice.KeepOrDiscard))
        {
            Assert.True(facts is { IsBaseSame: true, LiveSource: null, Overlay: OverlayPresence.Ours }, $"{facts}");
        }
    }

    [Fact]
    public void An_overlay_is_never_removed_that_may_hold_what_the_base_lacks() => Never(
        RecoveryAction.RemoveOverlay,
        facts => facts.IsOverlayWritten && (facts.LiveSource != Base || facts.State is PinState.Planned or PinState.Pinned));

    [Fact]
    public void A_definition_is_set_back_only_when_the_overlay_holds_nothing_or_the_live_one_shows_the_end_of_a_commit() => Never(
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
    public void Nothing_is_committed_that_no_definition_shows() => Never(
        RecoveryAction.Release, facts => facts.LiveSource != Overlay);

    [Fact]
    public void Nothing_to_do_means_that_no_definition_names_the_overlay_and_that_it_is_gone() => Never(
        RecoveryAction.Nothing,
        facts => facts.Overlay != OverlayPresence.Missing || facts.LiveSource == Overlay || facts.InactiveSource == Overlay);

    private static void Never(RecoveryAction action, Func<PinFacts, bool> when)
    {
        foreach (PinFacts facts in All.Where(when))
        {
            Assert.True(RecoveryPlanner.Decide(facts).Action != action, $"{facts}");
        }
    }

    /// <summary>The rules, asked one after the other in the words of somebody who fears for the guest's data.</summary>
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

        return (facts.LiveSource == Base && isCommitted) || holdsNothing ? RecoveryAction.RemoveOverlay : RecoveryAction.Keep;
    }
}
