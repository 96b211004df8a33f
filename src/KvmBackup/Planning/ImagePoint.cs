using KvmBackup.Model;

namespace KvmBackup.Planning;

/// <summary>One backup of an image within its chain.</summary>
/// <param name="SizeBytes">Of the image at that instant.</param>
/// <param name="Changes">What it holds: all data of a full one, ascending.</param>
public sealed record ImagePoint(long SizeBytes, IReadOnlyList<ImageChange> Changes);
