namespace KvmBackup.Configuration;

/// <summary>Snapshots made and removed by another program: they are read and never changed.</summary>
/// <param name="Names">Their names.</param>
/// <param name="Ready">A second snapshot that marks the one of the same date as ready; null for none.</param>
/// <param name="ReadyFile">A file with the same purpose; null for none.</param>
/// <param name="IsOnlyToday">Only a snapshot of the current day is used.</param>
public sealed record ExternalSnapshots(DatePattern Names, DatePattern? Ready, DatePattern? ReadyFile, bool IsOnlyToday);
