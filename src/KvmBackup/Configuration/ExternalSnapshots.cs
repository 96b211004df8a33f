namespace KvmBackup.Configuration;

/// <summary>Snapshots that somebody else makes and removes: they are read, and never touched.</summary>
/// <param name="Names">Their names.</param>
/// <param name="Ready">The snapshot that tells that the one of the same date may be read; null when none is asked for.</param>
/// <param name="ReadyFile">The same as a file; null when none is asked for.</param>
/// <param name="IsOnlyToday">One of another day is not good enough.</param>
public sealed record ExternalSnapshots(DatePattern Names, DatePattern? Ready, DatePattern? ReadyFile, bool IsOnlyToday);
