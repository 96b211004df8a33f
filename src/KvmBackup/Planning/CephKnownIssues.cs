namespace KvmBackup.Planning;

/// <summary>Knows the releases of Ceph whose defects reach backups.</summary>
public static class CephKnownIssues
{
    /// <summary>
    /// The first sound release of each series. Maps of objects that are wrong in snapshots taken under load:
    /// https://tracker.ceph.com/issues/61616, 16.2.14, 17.2.7, 18.2.0. Changes that a diff leaves out:
    /// https://tracker.ceph.com/issues/63654, 16.2.15, 17.2.8, 18.2.4. Older series than these do not have the regressions.
    /// </summary>
    private static readonly Version[] Sound = [new(16, 2, 15), new(17, 2, 8), new(18, 2, 4)];

    /// <param name="release">Of the programs on this host; null when it is not known.</param>
    /// <returns>What an operator should know; null for nothing.</returns>
    public static string? Find(Version? release) =>
        release is not null && Sound.FirstOrDefault(sound => sound.Major == release.Major) is { } least && release < least
            ? $"Ceph {release} on this host has known defects: snapshots of busy images get wrong object maps, and diffs can leave "
                + $"changes out (tracker.ceph.com/issues/61616 and 63654). Maps are checked before each read, but update Ceph to {least} "
                + "or later, restart the guests, and then make a full backup"
            : null;
}
