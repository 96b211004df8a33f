namespace KvmBackup.Lab.Support;

/// <summary>The environment variables of a command in <c>lab.sh run</c>; unset outside a lab.</summary>
public static class LabEnvironment
{
    public const string AbsenceReason = "not inside a lab; run tests/run.sh, or lab.sh run dotnet test";

    private static int _counter;

    public static bool IsPresent => Environment.GetEnvironmentVariable("KVMBACKUP_LAB_DIR") is { Length: > 0 };

    /// <summary>The lab's own directory on a real disk; removed when the lab ends.</summary>
    public static string DirectoryPath => Read("KVMBACKUP_LAB_DIR");

    /// <summary>The directory of disk images.</summary>
    public static string ImagesPath => Read("KVMBACKUP_LAB_IMAGES");

    /// <summary><c>lab.sh</c> itself.</summary>
    public static string ScriptPath => Read("KVMBACKUP_LAB_SCRIPT");

    public static string KernelPath => Read("KVMBACKUP_LAB_KERNEL");

    public static string InitrdPath => Read("KVMBACKUP_LAB_INITRD");

    /// <summary>QEMU, which boots that kernel when a definition has a command line but no kernel.</summary>
    public static string EmulatorPath => Read("KVMBACKUP_LAB_EMULATOR");

    /// <summary>A 570 MB qcow2 of a Debian, for read-only measurements; null if it was not built.</summary>
    public static string? RealisticDiskPath =>
        Environment.GetEnvironmentVariable("KVMBACKUP_LAB_REALISTIC") is { } path && File.Exists(path) ? path : null;

    /// <summary><c>kvm</c> or <c>qemu</c>, depending on which boots a guest faster on this host.</summary>
    public static string DomainType => Read("KVMBACKUP_LAB_DOMAIN_TYPE");

    /// <summary>libvirt's secret with the key to the lab's Ceph cluster, after its start.</summary>
    public static string CephSecretUuid => Read("KVMBACKUP_LAB_CEPH_SECRET");

    /// <summary>A new empty directory in the lab, for backups or restored disks.</summary>
    public static string NewDirectory(string name)
    {
        string path = Path.Combine(DirectoryPath, $"{Interlocked.Increment(ref _counter)}-{name}");
        return Directory.CreateDirectory(path).FullName;
    }

    private static string Read(string name) =>
        Environment.GetEnvironmentVariable(name)
        ?? throw new InvalidOperationException($"{name} is not set: {AbsenceReason}.");
}
