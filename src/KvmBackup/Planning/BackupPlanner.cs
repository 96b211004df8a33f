using KvmBackup.Configuration;

namespace KvmBackup.Planning;

/// <summary>Decides what runs now, with reasons for everything that runs and everything that does not.</summary>
public static class BackupPlanner
{
    /// <param name="host">The configuration.</param>
    /// <param name="today">The weekday in the host's time zone.</param>
    /// <param name="onlyDomains">The requested names, to which the plan is limited; null is all.</param>
    /// <param name="force">Ignore the schedule.</param>
    /// <param name="existing">The domains of this libvirt, if a name may be one of them as well; null if not.</param>
    /// <exception cref="PlanningException">A name is not in the configuration.</exception>
    public static BackupPlan Plan(
        HostSettings host, DayOfWeek today, IReadOnlyList<string>? onlyDomains, bool force,
        IReadOnlyList<DomainIdentity>? existing = null)
    {
        RequestedNames? requested = onlyDomains is null ? null : new RequestedNames(host, onlyDomains);
        requested?.RefuseUnknown(existing);
        return new BackupPlan([.. host.Domains.Where(domain => requested?.Has(domain) ?? true)
            .Select(domain => Plan(domain, today, requested, force))])
        {
            Images = [.. host.Images.Where(selection => requested?.Has(selection) ?? true)
                .Select(selection => Plan(selection, today, requested, force))],
        };
    }

    /// <summary>The names that are neither domains of the configuration nor selections or images in them.</summary>
    public static IReadOnlyList<string> FindUnlisted(HostSettings host, IReadOnlyList<string> names) =>
        new RequestedNames(host, names).Unlisted;

    private static PlannedJob Plan(DomainSettings domain, DayOfWeek today, RequestedNames? requested, bool force)
    {
        (bool isDue, string reason) = Judge(domain.Schedule, today, requested is not null, force);
        return new PlannedJob(domain, isDue, reason);
    }

    private static PlannedImages Plan(
        ImageSelection selection, DayOfWeek today, RequestedNames? requested, bool force)
    {
        (bool isDue, string reason) = Judge(selection.Schedule, today, requested is not null, force);
        return new PlannedImages(selection, isDue ? requested?.OnlyOf(selection) : null, isDue, reason);
    }

    private static (bool IsDue, string Reason) Judge(Schedule schedule, DayOfWeek today, bool isRequested, bool force)
    {
        IReadOnlyList<DayOfWeek> days = schedule.Days;
        string words = days.Count == 0 ? "it has no day" : $"its days are {string.Join(", ", days.Select(ShortName))}";
        if (days.Contains(today))
        {
            return (true, days.Count == 7 ? "due: it runs daily" : $"due: today is {today}");
        }

        string hint = isRequested && !force ? "; to back it up anyway, add --force" : string.Empty;
        return (force, $"{(force ? "forced" : "not due")}: today is {today}, {words}{hint}");
    }

    private static string ShortName(DayOfWeek day) => $"{day}"[..3];
}

/// <summary>The decision on every configured domain, in the order of the configuration.</summary>
public sealed record BackupPlan(IReadOnlyList<PlannedJob> Jobs)
{
    /// <summary>The selections of images, which run after the domains.</summary>
    public IReadOnlyList<PlannedImages> Images { get; init; } = [];

    /// <summary>Whether at least one job is due.</summary>
    public bool HasDue => Jobs.Any(job => job.IsDue) || Images.Any(images => images.IsDue);
}

/// <summary>Whether a domain runs now, with the reason.</summary>
public sealed record PlannedJob(DomainSettings Domain, bool IsDue, string Reason);

/// <summary>Whether a selection of images runs now, with the reason.</summary>
/// <param name="Selection">The selection.</param>
/// <param name="Only">The requested images of the selection; null is all.</param>
/// <param name="IsDue">It runs now.</param>
/// <param name="Reason">The reason.</param>
public sealed record PlannedImages(ImageSelection Selection, IReadOnlyList<RbdImage>? Only, bool IsDue, string Reason);
