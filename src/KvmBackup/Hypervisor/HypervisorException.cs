namespace KvmBackup.Hypervisor;

/// <summary>libvirt or a guest did not do what a backup needs.</summary>
public sealed class HypervisorException(
    string message, ExitCode exitCode = ExitCode.Failed, Exception? innerException = null)
    : KvmBackupException(message, exitCode, innerException)
{
    /// <summary>QEMU may not write to the base of an overlay, so no block job can commit it.</summary>
    public bool IsBaseDenied { get; init; }

    /// <summary>libvirt answered that it has no such domain, which no further attempt changes.</summary>
    public bool IsDomainGone { get; init; }
}
