namespace KvmBackup.Planning;

/// <summary>
/// Decides whether the backup directory is on the expected file system. An unmounted share leaves an empty folder,
/// and a
/// backup would fill the root file system.
/// </summary>
public static class TargetPlanner
{
    /// <param name="requirement">The setting require_mount.</param>
    /// <param name="facts">The directory's current location.</param>
    /// <param name="known">Its location at the first use; null when this host has not used it.</param>
    public static TargetDecision Decide(MountRequirement requirement, TargetFacts facts, KnownTarget? known)
    {
        if (requirement == MountRequirement.None)
        {
            return new TargetDecision(null, null, IsFirstUse: false);
        }

        if (requirement == MountRequirement.Required && facts.IsOnRoot)
        {
            return Refuse(
                $"the backup directory {facts.DirectoryPath} is on the root file system, and require_mount is true. "
                + $"Mount its file system{MountHint(facts.DeclaredMountPoint)}");
        }

        known = known?.DirectoryPath == facts.DirectoryPath ? known : null;
        if (known is not null && known.MarkerId == facts.MarkerId)
        {
            return new TargetDecision(null, null, IsFirstUse: false);
        }

        return known is null ? DecideFirst(facts) : DecideChanged(facts, known);
    }

    private static TargetDecision DecideFirst(TargetFacts facts)
    {
        if (facts.DeclaredMountPoint is { } declared)
        {
            return Refuse(
                $"/etc/fstab has a file system for {declared}, which would hold the backup directory "
                + $"{facts.DirectoryPath}, but it is not mounted. Mount it{MountHint(declared)}. To write to "
                + $"{facts.MountPoint} anyway: require_mount: false");
        }

        string place = facts.IsOnRoot
            ? $"on the root file system ({facts.Source}). If a share belongs there, it is not mounted: remove what "
                + "was just written, mount it, and set require_mount: true"
            : $"on {facts.MountPoint} ({facts.Source}). From now on a run is refused when the marker file is missing "
                + "there";
        return new TargetDecision(null, $"first use of the backup directory {facts.DirectoryPath}, "
            + $"{place}", IsFirstUse: true);
    }

    private static TargetDecision DecideChanged(TargetFacts facts, KnownTarget known)
    {
        if (known.MountPoint == "/" && !facts.IsOnRoot)
        {
            return new TargetDecision(
                null,
                $"the backup directory {facts.DirectoryPath} was on the root file system and is now on "
                + $"{facts.MountPoint} ({facts.Source}); the files below that mount point on the root file system are "
                + "hidden",
                IsFirstUse: true);
        }

        string now = facts.MountPoint == known.MountPoint
            ? facts.Source == known.Source
                ? "the same mount point is there, but not its marker file"
                : $"{facts.Source} is mounted there instead"
            : $"it is on {facts.MountPoint} ({facts.Source}) now";
        return Refuse(
            $"the backup directory {facts.DirectoryPath} is not the one that this host used before: that was on "
            + $"{known.MountPoint} ({known.Source}), and {now}. Mount it{MountHint(known.MountPoint)}. If it was "
            + "replaced on purpose, remove target.json from the statedir: the next run is then a first use again");
    }

    private static string MountHint(string? mountPoint) =>
        mountPoint is null or "/" ? string.Empty : $": mount {ShellWord.Quote(mountPoint)}";

    private static TargetDecision Refuse(string reason) => new(reason, null, IsFirstUse: false);
}
