using KvmBackup.Model;

namespace KvmBackup.Journaling;

/// <summary>One file of a restore.</summary>
/// <param name="FilePath">Its temporary name.</param>
/// <param name="Identity">Which file it is; null until it was made, and it is empty until then.</param>
public sealed record RestoreEntryFile(string FilePath, FileIdentity? Identity);
