using KvmBackup.Model;
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
        select new PinFacts(state, Base, Overlay, isActive, live, inactive, isBaseSame, presence, isWritten);

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
            other => Assert.Equal(RecoveryAction.LeaveAlone, RecoveryPlanner.Decide(other).Action));
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

        Assert.Equal(4 * 4 * 4 * 3 * 2 * 2 * 2, looked);
    }

    [Fact]
    public void An_overlay_is_never_removed_while_a_definition_names_it() => Never(
        RecoveryAction.RemoveOverlay, facts => facts.LiveSource == Overlay || facts.InactiveSource == Overlay);

    [Fact]
    public void An_overlay_is_never_removed_while_a_definition_names_a_file_that_may_stand_on_it() => Never(
        RecoveryAction.RemoveOverlay, facts => facts.LiveSource == Foreign || facts.InactiveSource == Foreign);

    [Fact]
    public void An_overlay_is_never_removed_that_may_hold_what_the_base_lacks() => Never(
        RecoveryAction.RemoveOverlay,
        facts => facts.State is PinState.Pinned || (facts.State is PinState.Planned && facts.IsOverlayWritten));

    [Fact]
    public void A_definition_is_set_back_only_when_a_commit_was_begun_and_the_live_one_shows_its_end() => Never(
        RecoveryAction.MendDefinition,
        facts => facts.LiveSource != Base || facts.InactiveSource != Overlay || facts.State < PinState.Releasing);

    [Fact]
    public void Nothing_is_changed_when_the_base_or_the_overlay_is_another_file()
    {
        foreach (PinFacts facts in All.Where(facts => !facts.IsBaseSame || facts.Overlay == OverlayPresence.Other))
        {
            Assert.Contains(
                RecoveryPlanner.Decide(facts).Action, new[] { RecoveryAction.Nothing, RecoveryAction.LeaveAlone });
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
        bool isInBase = facts.State is PinState.Releasing or PinState.Released
            || (facts.State is PinState.Planned && !facts.IsOverlayWritten);

        if (facts.LiveSource is null)
        {
            return facts.Overlay == OverlayPresence.Missing && !isNamed ? RecoveryAction.Nothing : RecoveryAction.LeaveAlone;
        }

        if (!areFilesKnown || facts.LiveSource == Foreign)
        {
            return RecoveryAction.LeaveAlone;
        }

        if (facts.LiveSource == Overlay)
        {
            // A running QEMU holds a file that was unlinked, and can still commit it.
            return isThere || facts.IsActive ? RecoveryAction.Release : RecoveryAction.LeaveAlone;
        }

        if (isNamed)
        {
            return facts.State is PinState.Releasing or PinState.Released ? RecoveryAction.MendDefinition : RecoveryAction.LeaveAlone;
        }

        return !isThere ? RecoveryAction.Nothing
            : isInBase && facts.InactiveSource != Foreign ? RecoveryAction.RemoveOverlay
            : RecoveryAction.LeaveAlone;
    }
}
