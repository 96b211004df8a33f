namespace KvmBackup.Model.Identifiers;

/// <summary>The identity of a file, independent of its path: device and inode number.</summary>
public sealed record FileIdentity(ulong Device, ulong Inode);
