namespace KvmBackup.Model;

/// <summary>An image, and how its cluster is reached.</summary>
public sealed record RbdLocation(RbdImage Image, RbdAccess Access);
