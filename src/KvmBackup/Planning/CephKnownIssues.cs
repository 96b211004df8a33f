namespace KvmBackup.Planning;

/// <summary>The releases of Ceph with defects that affect backups.</summary>
public static class CephKnownIssues
{
    /// <summary>
    /// The first fixed release of each series. Wrong object maps in snapshots taken under load:
    /// https://tracker.ceph.com/issues/61616, fixed in 16.2.14, 17.2.7, 18.2.0. Changes missing from a diff:
    /// https://tracker.ceph.com/issues/63654, fixed in 16.2.15, 17.2.8, 18.2.4. Older series do not have these
    /// regressions.
    /// </summary>
    private static readonly Version[] FixedReleases = [new(16, 2, 15), new(17, 2, 8), new(18, 2, 4)];

    /// <param name="release">Release of the programs on this host; null when unknown.</param>
    /// <returns>A notice for the operator; null for none.</returns>
    public static string? Find(Version? release) =>
        release is not null
        && FixedReleases.FirstOrDefault(candidate => candidate.Major == release.Major) is { } fixedRelease
        && release < fixedRelease
            ? $"Ceph {release} on this host has known defects: snapshots of busy images get wrong object maps, and "
                + "diffs can leave changes out (tracker.ceph.com/issues/61616 and 63654). Maps are checked before "
                + $"each read, but update Ceph to {fixedRelease} or later, restart the guests, and then make a full "
                + "backup"
            : null;
}
