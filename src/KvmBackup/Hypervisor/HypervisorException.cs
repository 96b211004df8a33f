namespace KvmBackup.Hypervisor;

/// <summary>A call of libvirt or of a guest agent failed.</summary>
public sealed class HypervisorException(
    string message, ExitCode exitCode = ExitCode.Failed, Exception? innerException = null)
    : KvmBackupException(message, exitCode, innerException)
{
    /// <summary>QEMU is not allowed to write to the base of an overlay, so no block job can commit it.</summary>
    public bool IsBaseDenied { get; init; }

    /// <summary>libvirt reports that the domain does not exist; a retry does not help.</summary>
    public bool IsDomainGone { get; init; }
}
