namespace KvmBackup.Model;

/// <summary>The states of libvirt's virDomainState that matter to a backup.</summary>
public enum DomainState
{
    Running,
    Paused,
    ShutOff,

    /// <summary>In the middle of something else: crashed, shutting down, suspended by the guest's power management.</summary>
    Other,
}
