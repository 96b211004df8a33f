namespace KvmBackup.Model;

/// <summary>What the cluster says of an image.</summary>
/// <param name="Id">Who it is: an image that is made again under the same name has another.</param>
/// <param name="SizeBytes">Its size now.</param>
/// <param name="ObjectSizeBytes">Of the objects that it is cut into.</param>
/// <param name="HasFastDiff">It has the feature that finds changes without looking at each object.</param>
/// <param name="IsFastDiffValid">What that feature knows is to be believed.</param>
/// <param name="Parent">What a clone stands on; null for none.</param>
public sealed record RbdImageFacts(
    string Id, long SizeBytes, long ObjectSizeBytes, bool HasFastDiff, bool IsFastDiffValid, RbdImage? Parent);
