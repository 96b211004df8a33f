using System.Text.RegularExpressions;
using KvmBackup.Reporting;
using KvmBackup.Tests.Planning;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Reporting;

public sealed class TextReportsTests
{
    private const string Hostile = "[red]web[/]\u001b[2J\n2\u202e";
    private readonly StringWriter output = new();
    private readonly StringWriter errors = new();
    private readonly AcceleratedTime time = new();

    [Fact]
    public void A_run_is_printed_as_a_table_with_notes_below()
    {
        JobReport good = new(
            new DomainName("web1"), JobOutcome.Succeeded, "due", ManifestSamples.Create(), TimeSpan.FromSeconds(12),
            ["look here"], [], []);
        JobReport bad = JobReport.Without(new DomainName("db1"), JobOutcome.Failed, "NOT BACKED UP: no free space");
        JobReport planned = bad with { Domain = new DomainName("web2"), Outcome = JobOutcome.Planned, Reason = "due" };
        JobReport worse = JobReport.Without(
            new DomainName("db2"), JobOutcome.NeedsManualAction, "the guest runs on its overlay");

        Reports().Print(Run(good, bad, worse, planned));

        string[] lines = Lines();
        Assert.Contains(
            lines, line => HasAll(line, "web1", "backed up", "20261120T020000Z", "crash", "68.0 KiB", "12.0 s"));
        Assert.Contains(lines, line => HasAll(line, "db1", "FAILED"));
        Assert.Contains(lines, line => HasAll(line, "db2", "MANUAL ACTION REQUIRED"));
        Assert.Contains(lines, line => HasAll(line, "web2", "planned"));
        Assert.Contains("db1: NOT BACKED UP: no free space", lines);
        Assert.Contains("db2: the guest runs on its overlay", lines);
        Assert.Contains("web1: warning: look here", lines);
        Assert.Contains("web1: without sda: a cdrom holds nothing of the guest's", lines);
    }

    [Fact]
    public void A_list_prints_the_backups_that_an_increment_depends_on_and_those_that_were_merged()
    {
        CompletedBackup full = ChainSamples.Backup(1);
        CompletedBackup merged = full with
        {
            Manifest = full.Manifest with { MergedFrom = [ChainSamples.Id(1), ChainSamples.Id(2)] },
        };

        Reports().Print(new ListReport("/backup", [ChainSamples.Backup(2, 1), full], []));
        Reports().Print(merged, withFiles: true);

        Assert.Contains(Lines(), line => HasAll(line, "20261102T020000Z", "incremental on 20261101T020000Z"));
        Assert.Contains(Lines(), line => HasAll(line, "kind", "full, merged from 20261101T020000Z, 20261102T020000Z"));
        Assert.Contains(Lines(), line => HasAll(line, "web1/vdb.raw", "1.00 MiB", "8.00 KiB", "1024"));
    }

    [Fact]
    public void Pending_deletions_are_printed_with_the_command_that_repeats_them()
    {
        Reports().Print(new SnapshotsReport([], [], [], IsDryRun: false) { PendingDeletions = ["rbd/a@kvmbackup.x"] });

        Assert.Equal(
            [
                "There is no snapshot of kvmbackup.",
                "pending: the deletion of rbd/a@kvmbackup.x is not confirmed. The next run, or kvmbackup recover, "
                    + "repeats it",
            ],
            Lines().Where(line => line.Length > 0));
    }

    [Theory]
    [InlineData(8, 80)]
    [InlineData(30, 80)]
    [InlineData(30, 50)]
    [InlineData(30, 24)]
    public void A_table_fits_the_window_without_cutting_or_breaking_cells(int nameLength, int width)
    {
        JobReport good = Succeeded(new string('w', nameLength));
        RetentionVerdict verdict = new(
            RetentionSamples.Backup("20261120T020000Z"), true,
            "kept: the newest of its day, the newest of its week, the newest of its month");

        TextReports reports = new(output, errors, width, time);
        reports.Print(Run(good with { Backup = good.Backup! with { SkippedDisks = [], Warnings = [] } }));
        reports.Print(new PruneReport([verdict], [], [], IsDryRun: false));

        string[] lines = [.. Lines().Select(line => Regex.Replace(line, "\u001b\\[[0-9;]*m", string.Empty))];
        Assert.All(lines, line => Assert.InRange(line.Length, 0, Math.Max(width, nameLength)));
        string[] cells =
        [
            new string('w', nameLength), "backed up", "20261120T020000Z", "68.0 KiB", "12.0 s", "Consistency", "month",
        ];
        foreach (string cell in cells)
        {
            Assert.Contains(lines, line => line.Contains(cell, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_table_in_a_pipe_is_plain_text_of_any_width()
    {
        Reports().Print(Run(Succeeded(new string('w', 200))));

        Assert.Contains(
            Lines(), line => HasAll(line, new string('w', 200), "20261120T020000Z", "68.0 KiB", "12.0 s"));
        Assert.DoesNotContain(output.ToString(), one => one > '~' || (one < ' ' && one != '\n'));
        Assert.All(Lines(), line => Assert.Equal(line.TrimEnd(), line));
    }

    [Fact]
    public void A_word_that_would_fill_the_screen_is_shortened_in_a_failure()
    {
        Reports().PrintError($"There is no backup of '{new string('x', 3000)}'.", ExitCode.Usage);

        Assert.InRange(errors.ToString().Length, 50, 200);
        Assert.Contains("characters", errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Hostile_text_is_escaped_in_every_report()
    {
        // Names from libvirt and paths from manifests: neither markup nor escape sequences nor forged lines.
        Manifest manifest = Hostiles(ManifestSamples.Create());
        CompletedBackup backup = new($"/backup/{Hostile}", manifest, true);
        RetentionVerdict verdict = new(backup, true, Hostile);
        JobReport job = new(
            manifest.Domain, JobOutcome.Failed, Hostile, manifest, TimeSpan.FromSeconds(1), [Hostile], [verdict],
            [Hostile]);
        TextReports reports = Reports();

        reports.Print(Run(job));
        reports.Print(new ListReport(Hostile, [backup], [Hostile]));
        reports.Print(new ListReport(Hostile, [], [Hostile]));
        reports.Print(backup, withFiles: true);
        reports.Print(new VerifyReport(
            [new VerifyResult(backup, TimeSpan.FromSeconds(1), [new(Hostile, 7, [Hostile], Hostile)])], [Hostile],
            false));
        RestoreReport restore = new(
            manifest.Domain, manifest.Id, manifest.Domain, [Hostile], [Hostile], true, false, 1,
            TimeSpan.FromSeconds(1), [Hostile], [Hostile]);
        reports.Print(restore, isDryRun: false);
        reports.Print(restore, isDryRun: true);
        reports.Print(new PruneReport([verdict], [Hostile], [Hostile], true));
        reports.Print(new CheckReport([new Finding(Hostile, FindingSeverity.Bad, Hostile, Hostile)]));
        reports.PrintError($"{Hostile} said", ExitCode.Failed);

        string text = output.ToString() + errors;
        Assert.DoesNotContain('\u001b', text);
        Assert.DoesNotContain('\u202e', text);
        Assert.Contains(@"[red]web[/]\u001b[2J 2\u202e", text, StringComparison.Ordinal);
        Assert.All(Lines(), line => Assert.NotEqual("2", line.Trim()));
    }

    [Fact]
    public void A_command_is_quoted_and_not_broken_over_lines()
    {
        string command = $"virsh blockcommit {new string('x', 900)}";
        JobReport job = JobReport.Without(new DomainName("web1"), JobOutcome.Failed, command);
        DomainName name = new("my vm");

        Reports().Print(Run(job));
        Reports().Print(
            new RestoreReport(name, Web1.Id, name, [], [], true, false, 1, TimeSpan.Zero, [], [])
            {
                StartCommand = "virsh start x",
            },
            isDryRun: false);

        Assert.Contains($"web1: {command}", Lines());
        Assert.Contains("  the domain my vm is defined; to start it: `virsh start x`", Lines());
    }

    [Theory]
    [InlineData(0, "0 min")]
    [InlineData(90, "90 min")]
    [InlineData(60 * 30, "30 h")]
    [InlineData(60 * 24 * 9, "9 d")]
    [InlineData(-600, "0 min")]
    public void A_list_prints_the_age_of_a_backup(int minutes, string age)
    {
        time.Pass(TimeSpan.FromMinutes(minutes));

        CompletedBackup backup = new("/backup/a", ManifestSamples.Create(), true);
        Reports().Print(new ListReport("/backup", [backup], []));

        Assert.Contains(
            Lines(), line => HasAll(line, "web1", "20261120T020000Z", "full", "crash", "vda", age, "protected"));
    }

    [Fact]
    public void A_failure_is_printed_on_standard_error_line_by_line()
    {
        Reports().PrintError("one\ntwo", ExitCode.Usage);

        Assert.Equal("kvmbackup: one\nkvmbackup: two\n", errors.ToString());
        Assert.Empty(output.ToString());
    }

    [Theory]
    [InlineData(5, "0:00:05")]
    [InlineData(108359, "30:05:59")]
    [InlineData(-1, "0:00:00")]
    [InlineData(1e300, "256204778:48:05")]
    public void A_duration_of_days_keeps_its_hours(double seconds, string text) =>
        Assert.Equal(text, PlainText.Duration(seconds));

    private static Manifest Hostiles(Manifest manifest) => manifest with
    {
        // A domain's name cannot hold control characters; markup it can.
        Domain = new DomainName("[red]web[/]"),
        Host = Hostile,
        Program = Hostile,
        ConsistencyReason = Hostile,
        Archive = manifest.Archive with { FileName = Hostile },
        Disks =
        [
            manifest.Disks[0] with
            {
                Layers =
                [
                    manifest.Disks[0].Layers[0] with { FileName = Hostile, Format = Hostile, SourcePath = Hostile },
                ],
            },
        ],
        SkippedDisks = [new SkippedDisk(new DiskTarget("sda"), Hostile)],
        Warnings = [Hostile],
    };

    private static RunReport Run(params JobReport[] jobs) =>
        new(AcceleratedTime.Start, TimeSpan.FromSeconds(12), RecoveryReport.Nothing, jobs);

    private static JobReport Succeeded(string domain) => new(
        new DomainName(domain), JobOutcome.Succeeded, "due", ManifestSamples.Create(), TimeSpan.FromSeconds(12), [], [],
        []);

    private static bool HasAll(string line, params string[] words) => words.All(line.Contains);

    [Fact]
    public void A_comparison_lists_each_file_and_where_it_differs()
    {
        FileComparison vda = new(Web1.Vda, "vda.qcow2", ComparisonVerdict.Same) { SourceBytes = 4096 };
        FileComparison vdb = new(Web1.Vdb, "vdb.raw", ComparisonVerdict.Different)
        {
            SourceBytes = 1 << 20,
            DifferentBytes = 12288,
            FirstDifferenceBytes = 8195,
            Differences = [new Extent(8192, 4096)],
            DifferenceCount = 3,
        };
        FileComparison vdc = new(new DiskTarget("vdc"), "vdc.raw", ComparisonVerdict.Missing, "no medium in it");
        CompareReport report = new(
            Web1.Identity.Name, ManifestSamples.Id, new DomainName("[red]web[/]"), Consistency.Filesystem,
            [vda, vdb, vdc], RecoveryReport.Nothing, ["look here"], ["commit it"], TimeSpan.FromSeconds(2));

        Reports().Print(report);

        string[] lines = Lines();
        Assert.Contains("NOT the same as [red]web[/]", lines[0], StringComparison.Ordinal);
        Assert.Contains("captured at one instant (filesystem); compared in 2.0 s", lines[0], StringComparison.Ordinal);
        Assert.Equal(
            [
                "  vda.qcow2: the same, 4.00 KiB",
                "  vdb.raw: DIFFERENT: 12.0 KiB in blocks of 4 KiB, in 3 place(s), the first at byte 8195; "
                    + "size 1.00 MiB",
                "    4096 bytes from byte 8192", "    and 2 more places", "  vdc.raw: MISSING: no medium in it",
                "  warning: look here", "  MANUAL ACTION REQUIRED: commit it",
            ],
            lines[1..].Where(line => line.Length > 0));
        Assert.Equal(ExitCode.ManualActionRequired, report.ExitCode);
    }

    private string[] Lines() => output.ToString().Split('\n');

    private TextReports Reports() => new(output, errors, null, time);
}
