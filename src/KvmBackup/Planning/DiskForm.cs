namespace KvmBackup.Planning;

/// <summary>How the content that a guest sees is got out of a disk's members.</summary>
public enum DiskForm
{
    /// <summary>It is the one member.</summary>
    Raw,

    /// <summary>It is put together from the backups of a chain.</summary>
    Chain,

    /// <summary>It is within one or several qcow2 images, which QEMU has to read.</summary>
    Qcow2,
}
