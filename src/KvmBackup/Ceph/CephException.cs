namespace KvmBackup.Ceph;

/// <summary>A cluster or an RBD image that cannot be read, written or trusted.</summary>
public sealed class CephException(string message, ExitCode exitCode = ExitCode.Failed, Exception? innerException = null)
    : KvmBackupException(message, exitCode, innerException)
{
    /// <summary>The cluster refused the request, so the request certainly had no effect.</summary>
    public bool IsRefusal { get; init; }
}
