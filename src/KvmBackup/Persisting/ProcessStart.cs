using System.Globalization;

namespace KvmBackup.Persisting;

/// <summary>When a process began: with its ID it tells a process from a later one of the same number.</summary>
public static class ProcessStart
{
    private const int FieldAfterName = 19;

    /// <returns>In the kernel's ticks since boot; null when there is no such process.</returns>
    public static long? Of(int processId)
    {
        try
        {
            // The name is in parentheses and may hold anything: blanks and parentheses too (man 5 proc).
            string status = File.ReadAllText($"/proc/{processId}/stat");
            string[] fields = status[(status.LastIndexOf(')') + 2)..].Split(' ');
            return long.Parse(fields[FieldAfterName], CultureInfo.InvariantCulture);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

/// <summary>Tells one boot of this host from another: no process outlives it.</summary>
public static class HostBoot
{
    public static string Id { get; } = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
}
