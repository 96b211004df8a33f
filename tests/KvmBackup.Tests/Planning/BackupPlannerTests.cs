using KvmBackup.Configuration;
using KvmBackup.Planning;

namespace KvmBackup.Tests.Planning;

public sealed class BackupPlannerTests
{
    private static readonly HostSettings Host = ConfigurationReader.Parse(
        """
        cloud1:
          backupdir: /mnt/backup
          rotate: 4
          domains:
            web1: {day_of_week: [Sun, Wed]}
            db1: {day_of_week: daily}
            my vm ü: {day_of_week: []}
        """,
        "config.yml",
        "cloud1");

    public static TheoryData<DayOfWeek> AllDays => [.. Enum.GetValues<DayOfWeek>()];

    [Theory]
    [MemberData(nameof(AllDays))]
    public void A_domain_is_due_on_its_own_days_only(DayOfWeek today)
    {
        foreach (DayOfWeek scheduled in Enum.GetValues<DayOfWeek>())
        {
            HostSettings host = ConfigurationReader.Parse(
                $"cloud1: {{backupdir: /mnt, domains: {{web1: {{day_of_week: {scheduled}, rotate: 1}}}}}}",
                "config.yml",
                "cloud1");

            PlannedJob job = Assert.Single(BackupPlanner.Plan(host, today, onlyDomains: null, force: false).Jobs);

            Assert.Equal(scheduled == today, job.IsDue);
        }
    }

    [Fact]
    public void Every_domain_gets_a_decision_with_its_reason_in_the_order_of_the_file()
    {
        Assert.Equal(
            [
                "web1 False not due: today is Friday, its days are Sun, Wed",
                "db1 True due: it runs daily",
                "my vm ü False not due: today is Friday, it has no day",
            ],
            Describe(DayOfWeek.Friday, onlyDomains: null, force: false));
        Assert.Equal("web1 True due: today is Sunday", Describe(DayOfWeek.Sunday, onlyDomains: null, force: false)[0]);
    }

    [Fact]
    public void Force_makes_every_domain_due()
    {
        Assert.Equal(
            [
                "web1 True forced: today is Friday, its days are Sun, Wed",
                "db1 True due: it runs daily",
                "my vm ü True forced: today is Friday, it has no day",
            ],
            Describe(DayOfWeek.Friday, onlyDomains: null, force: true));
    }

    [Fact]
    public void Only_the_named_domains_run_and_still_on_their_days_only()
    {
        Assert.Equal(
            [
                "web1 False not due: today is Friday, its days are Sun, Wed; to back it up anyway, add --force",
                "my vm ü False not due: today is Friday, it has no day; to back it up anyway, add --force",
            ],
            Describe(DayOfWeek.Friday, ["web1", "my vm ü"], force: false));
    }

    [Fact]
    public void A_name_with_a_blank_at_its_end_is_another_name() => Assert.StartsWith(
        "Domain 'web1 ' is not in the configuration", Assert.Throws<PlanningException>(
            () => BackupPlanner.Plan(Host, DayOfWeek.Friday, ["web1 "], force: false)).Message,
            StringComparison.Ordinal);

    [Fact]
    public void Force_applies_to_the_named_domains_only() =>
        Assert.Equal(
            ["db1"],
            BackupPlanner.Plan(Host, DayOfWeek.Friday, ["db1"], force: true)
                .Jobs.Where(job => job.IsDue).Select(job => job.Domain.Name.Value));

    [Fact]
    public void An_unknown_name_is_refused_with_the_nearest_one()
    {
        PlanningException refusal = Assert.Throws<PlanningException>(
            () => BackupPlanner.Plan(Host, DayOfWeek.Friday, ["wbe1", "db1", "printer"], force: false));

        Assert.Equal(ExitCode.Usage, refusal.ExitCode);
        Assert.Equal(
            "Domain 'wbe1' is not in the configuration of cloud1; did you mean 'web1'?\n"
            + "Domain 'printer' is not in the configuration of cloud1, which has web1, db1, my vm ü; "
            + "add it below 'domains', or name one of these.",
            refusal.Message);
    }

    [Fact]
    public void An_empty_list_of_names_is_refused()
    {
        PlanningException refusal = Assert.Throws<PlanningException>(
            () => BackupPlanner.Plan(Host, DayOfWeek.Friday, [], force: true));

        Assert.Equal("No domain was named; cloud1 has web1, db1, my vm ü.", refusal.Message);
    }

    private static string[] Describe(DayOfWeek today, IReadOnlyList<string>? onlyDomains, bool force) =>
    [
        .. BackupPlanner.Plan(Host, today, onlyDomains, force).Jobs
            .Select(job => $"{job.Domain.Name} {job.IsDue} {job.Reason}"),
    ];
}
