using KvmBackup.Model;
using KvmBackup.Planning;

namespace KvmBackup.Runs;

/// <summary>An image that a restore writes, and the way to it.</summary>
/// <param name="Plan">What is written.</param>
/// <param name="Location">Where.</param>
/// <param name="Replaces">One of that name is there and goes.</param>
public sealed record PlacedImage(RestoreImage Plan, RbdLocation Location, bool Replaces);
