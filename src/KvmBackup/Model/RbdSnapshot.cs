namespace KvmBackup.Model;

/// <summary>A snapshot of an RBD image, as the cluster lists it.</summary>
/// <param name="Id">Ascending in the order in which they were made.</param>
/// <param name="Name">Unique within the image.</param>
/// <param name="SizeBytes">The size of the image then.</param>
/// <param name="IsProtected">It cannot be removed until somebody unprotects it.</param>
public sealed record RbdSnapshot(long Id, string Name, long SizeBytes, bool IsProtected);
