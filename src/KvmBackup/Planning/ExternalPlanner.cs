using KvmBackup.Configuration;

namespace KvmBackup.Planning;

/// <summary>Chooses among the snapshots that somebody else makes the newest that may be read and is in no backup.</summary>
public static class ExternalPlanner
{
    private const int MostListed = 5;

    /// <param name="wanted">Which snapshots.</param>
    /// <param name="snapshots">The image's, the oldest first.</param>
    /// <param name="last">The image in its newest backup; null when there is none.</param>
    /// <param name="today">Where the host is.</param>
    /// <param name="isThere">Whether there is a file.</param>
    public static ExternalDecision Decide(
        ExternalSnapshots wanted, IReadOnlyList<RbdSnapshot> snapshots, ManifestImage? last, DateTimeOffset today,
        Func<string, bool> isThere)
    {
        (RbdSnapshot Snapshot, IReadOnlyDictionary<char, string> Date)[] named =
        [
            .. snapshots.Select(snapshot => (snapshot, Date: wanted.Names.Find(snapshot.Name)))
                .Where(one => one.Date is not null && (!wanted.IsOnlyToday || DatePattern.IsDay(one.Date, today)))
                .Select(one => (one.snapshot, one.Date!)).Reverse(),
        ];
        if (named.Length == 0)
        {
            string ofToday = wanted.IsOnlyToday ? " of today" : string.Empty;
            return None($"no snapshot{ofToday} is named '{wanted.Names}'; {List(snapshots)}. Has the other program run?");
        }

        long? lastId = last?.SnapshotId ?? snapshots.FirstOrDefault(snapshot => snapshot.Name == last?.Snapshot)?.Id;
        string waits = string.Empty;
        foreach ((RbdSnapshot snapshot, IReadOnlyDictionary<char, string> date) in named)
        {
            if (snapshot.Id <= lastId)
            {
                return waits.Length > 0 ? None(waits)
                    : new ExternalDecision(null, IsDone: true, $"already backed up: nothing is newer than the snapshot {last!.Snapshot}");
            }

            if (Unready(wanted, date, snapshots, isThere) is not { } missing)
            {
                return new ExternalDecision(snapshot, IsDone: false, $"the newest snapshot named '{wanted.Names}'");
            }

            waits = waits.Length > 0 ? waits : $"the snapshot {snapshot.Name} is not ready: there is no {missing}";
        }

        return None(waits);
    }

    private static ExternalDecision None(string reason) => new(null, IsDone: false, reason);

    private static string? Unready(
        ExternalSnapshots wanted, IReadOnlyDictionary<char, string> date, IReadOnlyList<RbdSnapshot> snapshots,
        Func<string, bool> isThere)
    {
        if (wanted.Ready?.Format(date) is { } name && snapshots.All(snapshot => snapshot.Name != name))
        {
            return $"snapshot {name}";
        }

        return wanted.ReadyFile?.Format(date) is { } path && !isThere(path) ? $"file {path}" : null;
    }

    private static string List(IReadOnlyList<RbdSnapshot> snapshots) => snapshots.Count == 0
        ? "it has no snapshot at all"
        : $"its newest are {string.Join(", ", snapshots.Reverse().Take(MostListed).Select(snapshot => snapshot.Name))}";
}

/// <summary>Which snapshot of somebody else's is read.</summary>
/// <param name="Snapshot">The one to read; null for none.</param>
/// <param name="IsDone">There is none since it is backed up already, which is no failure.</param>
/// <param name="Reason">Why this one, or why none and what to do.</param>
public sealed record ExternalDecision(RbdSnapshot? Snapshot, bool IsDone, string Reason);
