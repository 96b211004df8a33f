namespace KvmBackup.Model;

/// <summary>One file of a disk's backing chain.</summary>
/// <param name="FilePath">The file or block device.</param>
/// <param name="Format">qcow2, raw and so on.</param>
/// <param name="VirtualSizeBytes">What the guest sees of it.</param>
/// <param name="IsBlockDevice">A device rather than a file.</param>
public sealed record ImageLayer(string FilePath, string Format, long VirtualSizeBytes, bool IsBlockDevice)
{
    /// <summary>QEMU reads it with a passphrase only.</summary>
    public bool IsEncrypted { get; init; }
}
