using KvmBackup.Model;

namespace KvmBackup.Planning;

/// <summary>The images of a selection.</summary>
/// <param name="Images">Those that are meant, by pool and name.</param>
/// <param name="Unmatched">What was meant and is not there, each with what to do.</param>
public sealed record ImageChoice(IReadOnlyList<RbdImage> Images, IReadOnlyList<string> Unmatched);
