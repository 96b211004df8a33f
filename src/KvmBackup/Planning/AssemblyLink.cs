using KvmBackup.Model;

namespace KvmBackup.Planning;

/// <summary>What one backup of a chain gives to an image.</summary>
/// <param name="Backup">The backup.</param>
/// <param name="Visible">The runs of its data that no later backup of the chain has changed.</param>
public sealed record AssemblyLink(CompletedBackup Backup, IReadOnlyList<Extent> Visible);
