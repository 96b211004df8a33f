using KvmBackup.Planning;
using static KvmBackup.Tests.Planning.RetentionSamples;

namespace KvmBackup.Tests.Planning;

/// <summary>Properties of every history and every policy, tested with thousands from a fixed seed.</summary>
public sealed class RetentionPropertyTests
{
    private const int Histories = 3_000;
    private const int Seed = 20_261_120;

    [Fact]
    public void The_newest_good_backup_protected_ones_and_other_guests_are_always_kept() => ForAll(world =>
    {
        RetentionVerdict[] own = [.. world.Decide().Verdicts.Where(verdict => IsOwn(verdict, world))];
        Assert.True(own[0].IsKept);
        Assert.All(
            world.Decide().Verdicts.Where(verdict => !verdict.IsKept),
            verdict => Assert.True(IsOwn(verdict, world) && !verdict.Backup.IsProtected
                && verdict.Backup.Id < world.Proof.Id));
    });

    [Fact]
    public void Rotate_alone_keeps_the_configured_number_or_all() => ForAll(world =>
    {
        CompletedBackup[] fulls =
        [
            .. world.All.Where(backup => backup.Manifest.DomainUuid == Guest).Select(
                backup => Backup(backup.Id, BackupKind.Full, isProtected: false, Guest)),
        ];
        int rotate = 1 + (world.Policy.Last * 3);

        RetentionDecision decision = RetentionPlanner.Decide(
            new RetentionPolicy(Last: rotate), fulls, DateTimeOffset.MaxValue);

        Assert.Equal(Math.Min(rotate, fulls.Length), decision.Kept().Length);
        Assert.Equal(decision.Verdicts.Take(rotate), decision.Verdicts.Where(verdict => verdict.IsKept));
    });

    [Fact]
    public void Each_kept_backup_keeps_its_bases() => ForAll(world =>
    {
        RetentionVerdict[] own = [.. world.Decide().Verdicts.Where(verdict => IsOwn(verdict, world))];
        for (int index = 0; index < own.Length; index++)
        {
            RetentionVerdict verdict = own[index];
            if (!verdict.IsKept || verdict.Backup.Manifest.Kind == BackupKind.Full)
            {
                continue;
            }

            RetentionVerdict[] older = own[(index + 1)..];
            RetentionVerdict? full = older.FirstOrDefault(link => link.Backup.Manifest.Kind == BackupKind.Full);
            Assert.True(full is null || full.IsKept);
            if (verdict.Backup.Manifest.Kind == BackupKind.Incremental && older.Length > 0)
            {
                Assert.True(older[0].IsKept);
            }
        }
    });

    [Fact]
    public void A_second_decision_on_the_kept_backups_removes_nothing() => ForAll(world =>
    {
        CompletedBackup[] kept =
            [.. world.Decide().Verdicts.Where(verdict => verdict.IsKept).Select(verdict => verdict.Backup)];

        Assert.All(
            RetentionPlanner.Decide(world.Policy, world.Proof, kept).Verdicts, verdict => Assert.True(verdict.IsKept));
    });

    [Fact]
    public void The_order_of_the_list_does_not_matter_and_the_newest_comes_first() => ForAll(world =>
    {
        CompletedBackup[] shuffled = [.. world.All];
        new Random(Seed).Shuffle(shuffled);

        RetentionDecision decision = world.Decide();

        Assert.Equal(decision.Verdicts, RetentionPlanner.Decide(world.Policy, world.Proof, shuffled).Verdicts);
        Assert.Equal(decision.Verdicts, world.Decide().Verdicts);
        Assert.Equal(
            decision.Verdicts.Select(verdict => verdict.Backup.Id).OrderDescending(),
            decision.Verdicts.Select(verdict => verdict.Backup.Id));
    });

    [Fact]
    public void Every_backup_gets_one_decision_with_a_reason() => ForAll(world =>
    {
        RetentionDecision decision = world.Decide();

        Assert.Equal(
            world.All.Select(backup => backup.DirectoryPath).Order(),
            decision.Verdicts.Select(verdict => verdict.Backup.DirectoryPath).Order());
        Assert.All(decision.Verdicts, verdict => Assert.StartsWith(
            verdict.IsKept ? "kept: " : "removed: ", verdict.Reason, StringComparison.Ordinal));
    });

    [Fact]
    public void A_stricter_rule_never_keeps_a_backup_that_a_looser_one_removes() => ForAll(world =>
    {
        RetentionPolicy looser = world.Policy with { Last = world.Policy.Last + 1, Weekly = world.Policy.Weekly + 1 };

        RetentionDecision loose = RetentionPlanner.Decide(looser, world.Proof, world.All);

        Assert.Subset(loose.Kept().ToHashSet(), world.Decide().Kept().ToHashSet());
    });

    private static bool IsOwn(RetentionVerdict verdict, World world) =>
        verdict.Backup.Manifest.DomainUuid == world.Proof.Manifest.DomainUuid;

    private static void ForAll(Action<World> property)
    {
        Random random = new(Seed);
        for (int number = 0; number < Histories; number++)
        {
            property(World.Make(random));
        }
    }

    private sealed record World(RetentionPolicy Policy, CompletedBackup Proof, IReadOnlyList<CompletedBackup> All)
    {
        public RetentionDecision Decide() => RetentionPlanner.Decide(Policy, Proof, All);

        public static World Make(Random random)
        {
            DateTimeOffset instant = new(2020 + random.Next(10), 1 + random.Next(12), 1, 2, 0, 0, TimeSpan.Zero);
            int longestGapHours = random.Next(3) switch { 0 => 12, 1 => 50, _ => 2_000 };
            List<CompletedBackup> all = [];
            for (int count = random.Next(1, 25); count > 0; count--)
            {
                instant += TimeSpan.FromSeconds(random.Next(1, longestGapHours * 3_600));
                bool isOther = random.Next(8) == 0 && count > 1;
                BackupKind kind = (BackupKind)random.Next(3);
                all.Add(Backup(new BackupId(instant), kind, random.Next(10) == 0, isOther ? OtherGuest : Guest));
            }

            // Sometimes the clock was set back: the proof is not the newest.
            CompletedBackup[] own = [.. all.Where(backup => backup.Manifest.DomainUuid == Guest)];
            CompletedBackup proof = random.Next(6) == 0 ? own[random.Next(own.Length)] : own[^1];
            return new World(MakePolicy(random), proof, all);
        }

        private static RetentionPolicy MakePolicy(Random random)
        {
            int Count() => random.Next(3) == 0 ? random.Next(1, 6) : 0;
            TimeSpan? age = random.Next(4) == 0 ? TimeSpan.FromHours(random.Next(1, 2_000)) : null;
            RetentionPolicy policy = new(Count(), Count(), Count(), Count(), Count(), age);
            return policy == new RetentionPolicy() ? new RetentionPolicy(Last: 1 + random.Next(5)) : policy;
        }
    }
}
