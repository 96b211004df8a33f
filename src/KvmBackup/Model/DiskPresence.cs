namespace KvmBackup.Model;

/// <summary>Which definitions of a domain have a disk. They differ after <c>virsh attach-disk</c> or <c>detach-disk</c>
/// with only one of <c>--live</c> and <c>--config</c>.</summary>
public enum DiskPresence
{
    /// <summary>Both definitions, or the domain is shut off and has one.</summary>
    Both,

    /// <summary>The running guest has it; the definition for the next start does not.</summary>
    RunningOnly,

    /// <summary>The definition for the next start has it; the running guest does not use it.</summary>
    NextStartOnly,
}
