using KvmBackup.Configuration;

namespace KvmBackup.Planning;

/// <summary>Selects the newest snapshot of another program that may be read and is in no backup yet.</summary>
public static class ExternalPlanner
{
    private const int MaximumListed = 5;

    /// <param name="wanted">The configured snapshots.</param>
    /// <param name="snapshots">The image's snapshots, the oldest first.</param>
    /// <param name="last">The image in its newest backup; null when there is none.</param>
    /// <param name="today">The date in the host's time zone.</param>
    /// <param name="fileExists">Tests whether a file exists.</param>
    public static ExternalDecision Decide(
        ExternalSnapshots wanted, IReadOnlyList<RbdSnapshot> snapshots, ManifestImage? last, DateTimeOffset today,
        Func<string, bool> fileExists)
    {
        (RbdSnapshot Snapshot, IReadOnlyDictionary<char, string> Date)[] named =
        [
            .. snapshots.Select(snapshot => (snapshot, Date: wanted.Names.Find(snapshot.Name)))
                .Where(candidate => candidate.Date is not null
                    && (!wanted.IsOnlyToday || DatePattern.IsDay(candidate.Date, today)))
                .Select(candidate => (candidate.snapshot, candidate.Date!)).Reverse(),
        ];
        if (named.Length == 0)
        {
            string ofToday = wanted.IsOnlyToday ? " of today" : string.Empty;
            return None($"no snapshot{ofToday} is named '{wanted.Names}'; {List(snapshots)}. Check that the other "
                + "program has run");
        }

        long? lastId = last?.SnapshotId ?? snapshots.FirstOrDefault(snapshot => snapshot.Name == last?.Snapshot)?.Id;
        string notReady = string.Empty;
        foreach ((RbdSnapshot snapshot, IReadOnlyDictionary<char, string> date) in named)
        {
            if (snapshot.Id <= lastId)
            {
                return notReady.Length > 0 ? None(notReady)
                    : new ExternalDecision(
                        null, IsDone: true, $"already backed up: no snapshot is newer than {last!.Snapshot}");
            }

            if (FindMissing(wanted, date, snapshots, fileExists) is not { } missing)
            {
                return new ExternalDecision(snapshot, IsDone: false, $"the newest snapshot named '{wanted.Names}'");
            }

            notReady = notReady.Length > 0
                ? notReady : $"the snapshot {snapshot.Name} is not ready: there is no {missing}";
        }

        return None(notReady);
    }

    private static ExternalDecision None(string reason) => new(null, IsDone: false, reason);

    private static string? FindMissing(
        ExternalSnapshots wanted, IReadOnlyDictionary<char, string> date, IReadOnlyList<RbdSnapshot> snapshots,
        Func<string, bool> fileExists)
    {
        if (wanted.Ready?.Format(date) is { } name && snapshots.All(snapshot => snapshot.Name != name))
        {
            return $"snapshot {name}";
        }

        return wanted.ReadyFile?.Format(date) is { } path && !fileExists(path) ? $"file {path}" : null;
    }

    private static string List(IReadOnlyList<RbdSnapshot> snapshots) => snapshots.Count == 0
        ? "it has no snapshots"
        : "its newest are "
            + $"{string.Join(", ", snapshots.Reverse().Take(MaximumListed).Select(snapshot => snapshot.Name))}";
}

/// <summary>The selected snapshot of another program.</summary>
/// <param name="Snapshot">The snapshot to read; null for none.</param>
/// <param name="IsDone">There is none because it is already backed up, which is no failure.</param>
/// <param name="Reason">Why this one; or why none, and what to do.</param>
public sealed record ExternalDecision(RbdSnapshot? Snapshot, bool IsDone, string Reason);
