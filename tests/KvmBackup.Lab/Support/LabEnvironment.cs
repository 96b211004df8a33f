namespace KvmBackup.Lab.Support;

/// <summary>What <c>lab.sh run</c> tells its command in the environment; absent outside a lab.</summary>
public static class LabEnvironment
{
    public const string AbsenceReason = "not inside a lab; run tests/run.sh, or lab.sh run dotnet test";

    private static int _counter;

    public static bool IsPresent => Environment.GetEnvironmentVariable("KVMBACKUP_LAB_DIR") is { Length: > 0 };

    /// <summary>The lab's own directory on a real disk; gone when the lab ends.</summary>
    public static string DirectoryPath => Read("KVMBACKUP_LAB_DIR");

    /// <summary>Where disk images belong.</summary>
    public static string ImagesPath => Read("KVMBACKUP_LAB_IMAGES");

    /// <summary><c>lab.sh</c> itself.</summary>
    public static string ScriptPath => Read("KVMBACKUP_LAB_SCRIPT");

    public static string KernelPath => Read("KVMBACKUP_LAB_KERNEL");

    public static string InitrdPath => Read("KVMBACKUP_LAB_INITRD");

    /// <summary>A 570 MB qcow2 of a Debian, to measure with and not to write to; null if it was not built.</summary>
    public static string? RealisticDiskPath =>
        Environment.GetEnvironmentVariable("KVMBACKUP_LAB_REALISTIC") is { } path && File.Exists(path) ? path : null;

    /// <summary><c>kvm</c> or <c>qemu</c>, whichever boots a guest quicker on this host.</summary>
    public static string DomainType => Read("KVMBACKUP_LAB_DOMAIN_TYPE");

    /// <summary>libvirt's secret with the key to the lab's Ceph cluster, once that was started.</summary>
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
