using KvmBackup.Configuration;
using KvmBackup.Model;

namespace KvmBackup.Planning;

/// <summary>Whether a selection of images runs now, and why or why not.</summary>
/// <param name="Selection">Which.</param>
/// <param name="Only">The images of it that were asked for; null is all.</param>
/// <param name="IsDue">It runs now.</param>
/// <param name="Reason">Why, or why not.</param>
public sealed record PlannedImages(ImageSelection Selection, IReadOnlyList<RbdImage>? Only, bool IsDue, string Reason);
