namespace KvmBackup.Model.Identifiers;

/// <summary>Which file this is, whatever its path: device and inode number.</summary>
public sealed record FileIdentity(ulong Device, ulong Inode);
