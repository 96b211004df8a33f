using KvmBackup.Shell;

namespace KvmBackup.Ceph;

/// <summary>
/// The advised commands about an image or its cluster, between backticks, with the connection options. A lab test runs
/// each of them in the state in which it is advised.
/// </summary>
public static class RbdAdvice
{
    /// <summary>Shows the health and the free space of the cluster.</summary>
    public const string Health = "`ceph health detail` ; `ceph df`";

    /// <summary>A call of <c>rbd</c> with the connection options.</summary>
    public static string Type(RbdLocation location, params IEnumerable<string> words) =>
        Type(new ProgramCall("rbd", [.. RbdCall.ConnectionOptions(location.ForMessages.Access), .. words]));

    /// <summary>Lists the images of a pool, or of a namespace of it: <c>pool/namespace</c>.</summary>
    public static string Images(RbdAccess access, string pool) =>
        Type(new RbdLocation(new RbdImage(pool, null, "*"), access), "ls", pool);

    /// <summary>Maps the image by the kernel.</summary>
    public static string Map(RbdLocation location) => Type(location, "map", location.Image.Spec);

    /// <summary>Lists the clients of the image.</summary>
    public static string Status(RbdLocation location) => Type(location, "status", location.Image.Spec);

    /// <summary>Lists the snapshots of the image.</summary>
    public static string Snapshots(RbdLocation location) => Type(location, "snap", "ls", location.Image.Spec);

    /// <summary>Removes one snapshot.</summary>
    public static string RemoveSnapshot(RbdLocation location, string snapshot) =>
        Type(location, "snap", "rm", $"{location.Image.Spec}@{snapshot}");

    /// <summary>Removes all snapshots.</summary>
    public static string RemoveSnapshots(RbdLocation location) => Type(location, "snap", "purge", location.Image.Spec);

    /// <summary>Rebuilds the object map.</summary>
    public static string RebuildObjectMap(RbdLocation location) =>
        Type(location, "object-map", "rebuild", location.Image.Spec);

    /// <summary>Removes the image.</summary>
    public static string Remove(RbdLocation location) => Type(RbdClient.RemoveImageCall(location.ForMessages));

    /// <summary>Renames the image.</summary>
    public static string Rename(RbdLocation location, RbdImage newName) =>
        Type(RbdImageStore.RenameCall(location.ForMessages, newName));

    private static string Type(ProgramCall call) => $"`{call}`";
}
