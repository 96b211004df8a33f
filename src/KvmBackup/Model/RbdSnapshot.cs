namespace KvmBackup.Model;

/// <summary>A snapshot of an RBD image.</summary>
/// <param name="Id">Never used again by the image.</param>
/// <param name="Name">After the <c>@</c>.</param>
/// <param name="SizeBytes">Of the image at that moment.</param>
/// <param name="IsProtected">It cannot be removed.</param>
public sealed record RbdSnapshot(long Id, string Name, long SizeBytes, bool IsProtected);
