namespace KvmBackup.Lab.Support;

/// <summary>A snapshot of an RBD image, as the cluster lists it.</summary>
public sealed record LabRbdSnapshot(long Id, string Name, long SizeBytes, bool IsProtected);
