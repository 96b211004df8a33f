namespace KvmBackup.Persisting;

/// <summary>Tells one boot of this host from another: no process outlives it.</summary>
public static class HostBoot
{
    public static string Id { get; } = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
}
