using KvmBackup.Configuration;

namespace KvmBackup.Planning;

/// <summary>Decides what runs now and why, and why the rest does not.</summary>
public static class BackupPlanner
{
    /// <param name="host">The configuration.</param>
    /// <param name="today">The day where the host is; the caller knows its time zone.</param>
    /// <param name="onlyDomains">The names that were asked for, of which alone the plan tells; null is all.</param>
    /// <param name="force">Whatever the day.</param>
    /// <exception cref="PlanningException">A name is not in the configuration.</exception>
    public static BackupPlan Plan(
        HostSettings host, DayOfWeek today, IReadOnlyList<string>? onlyDomains, bool force)
    {
        RequestedNames? asked = onlyDomains is null ? null : new RequestedNames(host, onlyDomains);
        return new BackupPlan([.. host.Domains.Where(domain => asked?.Has(domain) ?? true)
            .Select(domain => Plan(domain, today, asked, force))])
        {
            Images = [.. host.Images.Where(selection => asked?.Has(selection) ?? true)
                .Select(selection => Plan(selection, today, asked, force))],
        };
    }

    private static PlannedJob Plan(DomainSettings domain, DayOfWeek today, RequestedNames? asked, bool force)
    {
        (bool isDue, string reason) = Judge(domain.Schedule, today, asked is not null, force);
        return new PlannedJob(domain, isDue, reason);
    }

    private static PlannedImages Plan(ImageSelection selection, DayOfWeek today, RequestedNames? asked, bool force)
    {
        (bool isDue, string reason) = Judge(selection.Schedule, today, asked is not null, force);
        return new PlannedImages(selection, isDue ? asked?.OnlyOf(selection) : null, isDue, reason);
    }

    private static (bool IsDue, string Reason) Judge(Schedule schedule, DayOfWeek today, bool isAsked, bool force)
    {
        IReadOnlyList<DayOfWeek> days = schedule.Days;
        string words = days.Count == 0 ? "it has no day" : $"its days are {string.Join(", ", days.Select(ShortName))}";
        if (days.Contains(today))
        {
            return (true, days.Count == 7 ? "due: it runs daily" : $"due: today is {today}");
        }

        string hint = isAsked && !force ? "; to back it up all the same, add --force" : string.Empty;
        return (force, $"{(force ? "forced" : "not due")}: today is {today}, {words}{hint}");
    }

    private static string ShortName(DayOfWeek day) => $"{day}"[..3];
}

/// <summary>A verdict on every configured domain, in the order of the configuration.</summary>
public sealed record BackupPlan(IReadOnlyList<PlannedJob> Jobs)
{
    /// <summary>The selections of images, which come after the domains.</summary>
    public IReadOnlyList<PlannedImages> Images { get; init; } = [];

    /// <summary>Whether anything runs.</summary>
    public bool HasDue => Jobs.Any(job => job.IsDue) || Images.Any(images => images.IsDue);
}

/// <summary>Whether a domain runs now, and why or why not.</summary>
public sealed record PlannedJob(DomainSettings Domain, bool IsDue, string Reason);

/// <summary>Whether a selection of images runs now, and why or why not.</summary>
/// <param name="Selection">Which.</param>
/// <param name="Only">The images of it that were asked for; null is all.</param>
/// <param name="IsDue">It runs now.</param>
/// <param name="Reason">Why, or why not.</param>
public sealed record PlannedImages(ImageSelection Selection, IReadOnlyList<RbdImage>? Only, bool IsDue, string Reason);
