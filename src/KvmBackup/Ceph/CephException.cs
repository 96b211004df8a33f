namespace KvmBackup.Ceph;

/// <summary>A cluster or an RBD image that cannot be read, written or trusted.</summary>
public sealed class CephException(string message, ExitCode exitCode = ExitCode.Failed, Exception? innerException = null)
    : KvmBackupException(message, exitCode, innerException)
{
    /// <summary>The cluster refused the request, so it certainly did not carry it out.</summary>
    public bool IsRefusal { get; init; }
}
