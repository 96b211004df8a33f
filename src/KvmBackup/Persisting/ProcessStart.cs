using System.Globalization;

namespace KvmBackup.Persisting;

/// <summary>The start time of a process, which distinguishes it from a later one with the same ID.</summary>
public static class ProcessStart
{
    private const int FieldAfterName = 19;

    /// <returns>The kernel's ticks since boot; null when there is no such process.</returns>
    public static long? Of(int processId)
    {
        try
        {
            // The name is in parentheses and may itself contain blanks and parentheses (man 5 proc).
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

/// <summary>The ID of the current boot of this host: no process outlives it.</summary>
public static class HostBoot
{
    public static string Id { get; } = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
}
