using KvmBackup.Shell;

namespace KvmBackup.Ceph;

/// <summary>
/// The commands that a person types about an image or its cluster, in one place: each of them is run by a test of the lab in the
/// state in which it is advised. In a message a command stands between backticks.
/// </summary>
public static class RbdAdvice
{
    /// <summary>Shows whether the cluster is well and has room.</summary>
    public const string Health = "`ceph health detail` ; `ceph df`";

    /// <summary>A call of <c>rbd</c>, with the options that reach the cluster.</summary>
    public static string Type(RbdLocation location, params IEnumerable<string> words) =>
        Type(new ProgramCall("rbd", [.. RbdCall.Way(location.ForMessages.Access), .. words]));

    /// <summary>Shows who has the image open.</summary>
    public static string Status(RbdLocation location) => Type(location, "status", location.Image.Spec);

    /// <summary>Shows the snapshots of the image.</summary>
    public static string Snapshots(RbdLocation location) => Type(location, "snap", "ls", location.Image.Spec);

    /// <summary>Removes one snapshot.</summary>
    public static string RemoveSnapshot(RbdLocation location, string snapshot) =>
        Type(location, "snap", "rm", $"{location.Image.Spec}@{snapshot}");

    /// <summary>Removes all snapshots.</summary>
    public static string RemoveSnapshots(RbdLocation location) => Type(location, "snap", "purge", location.Image.Spec);

    /// <summary>Makes the object map right again.</summary>
    public static string RebuildObjectMap(RbdLocation location) => Type(location, "object-map", "rebuild", location.Image.Spec);

    /// <summary>Removes the image.</summary>
    public static string Remove(RbdLocation location) => Type(RbdClient.RemoveImageCall(location.ForMessages));

    /// <summary>Gives the image another name.</summary>
    public static string Rename(RbdLocation location, RbdImage newName) =>
        Type(RbdImageStore.RenameCall(location.ForMessages, newName));

    private static string Type(ProgramCall call) => $"`{call}`";
}
