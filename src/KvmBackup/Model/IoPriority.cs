namespace KvmBackup.Model;

/// <summary>How a process stands in line for a disk, where the kernel's scheduler knows such a thing.</summary>
public enum IoPriority
{
    /// <summary>As it was started.</summary>
    None,

    /// <summary>Behind everybody else of the usual class.</summary>
    BestEffort,

    /// <summary>Only when nobody else wants the disk.</summary>
    Idle,
}
