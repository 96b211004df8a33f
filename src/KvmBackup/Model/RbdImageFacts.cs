namespace KvmBackup.Model;

/// <summary>An RBD image, now or at a snapshot, as the cluster describes it.</summary>
/// <param name="Id">Who it is: another image under the same name has another one.</param>
/// <param name="SizeBytes">What a guest sees.</param>
/// <param name="ObjectSizeBytes">The size of the pieces in which the cluster keeps it.</param>
/// <param name="HasFastDiff">The cluster keeps a map of the objects that changed.</param>
/// <param name="IsFastDiffValid">And that map, and the one of objects, can be trusted.</param>
/// <param name="Parent">The image that it is a clone of.</param>
/// <param name="ParentSnapshot">The snapshot of the parent.</param>
public sealed record RbdImageFacts(
    string Id,
    long SizeBytes,
    long ObjectSizeBytes,
    bool HasFastDiff,
    bool IsFastDiffValid,
    RbdImage? Parent,
    string? ParentSnapshot)
{
    /// <summary>Reads go by a map of the objects that there are: what the map has forgotten is read as zeros.</summary>
    public bool IsReadByObjectMap { get; init; }
}
