using KvmBackup.Configuration;
using KvmBackup.Model;

namespace KvmBackup.Planning;

/// <summary>Decides what runs now and why, and why the rest does not.</summary>
public static class BackupPlanner
{
    /// <param name="host">The configuration.</param>
    /// <param name="today">The day where the host is; the caller knows its time zone.</param>
    /// <param name="onlyDomains">The names that were asked for; null is all.</param>
    /// <param name="force">Whatever the day.</param>
    /// <exception cref="PlanningException">A name is not in the configuration.</exception>
    public static BackupPlan Plan(
        HostSettings host, DayOfWeek today, IReadOnlyList<string>? onlyDomains, bool force)
    {
        string[]? asked = onlyDomains?.Select(name => name.Trim()).ToArray();
        if (asked is not null)
        {
            RefuseUnknown(host, asked);
        }

        return new BackupPlan([.. host.Domains.Select(domain => Judge(domain, today, asked, force))]);
    }

    private static PlannedJob Judge(DomainSettings domain, DayOfWeek today, string[]? asked, bool force)
    {
        if (asked is not null && !asked.Contains(domain.Name.Value))
        {
            return new PlannedJob(domain, IsDue: false, "not asked for: only others were named");
        }

        IReadOnlyList<DayOfWeek> days = domain.Schedule.Days;
        bool isToday = days.Contains(today);
        string words = days.Count == 0 ? "it has no day" : $"its days are {string.Join(", ", days.Select(ShortName))}";
        if (isToday)
        {
            string reason = days.Count == 7 ? "due: it runs daily" : $"due: today is {today}";
            return new PlannedJob(domain, IsDue: true, reason);
        }

        return force
            ? new PlannedJob(domain, IsDue: true, $"forced: today is {today}, {words}")
            : new PlannedJob(domain, IsDue: false, $"not due: today is {today}, {words}");
    }

    private static string ShortName(DayOfWeek day) => $"{day}"[..3];

    private static void RefuseUnknown(HostSettings host, string[] asked)
    {
        string[] configured = [.. host.Domains.Select(domain => domain.Name.Value)];
        string[] unknown = [.. asked.Except(configured)];
        if (asked.Length > 0 && unknown.Length == 0)
        {
            return;
        }

        if (asked.Length == 0)
        {
            throw new PlanningException($"No domain was named; {host.HostName} has {string.Join(", ", configured)}.");
        }

        throw new PlanningException(string.Join('\n', unknown.Select(name =>
            NearestName.Find(name, configured) is { } nearest
                ? $"Domain '{name}' is not in the configuration of {host.HostName}; did you mean '{nearest}'?"
                : $"Domain '{name}' is not in the configuration of {host.HostName}, which has "
                    + $"{string.Join(", ", configured)}; add it below 'domains', or name one of these.")));
    }
}
