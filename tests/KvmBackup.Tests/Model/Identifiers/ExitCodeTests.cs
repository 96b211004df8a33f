namespace KvmBackup.Tests.Model.Identifiers;

public sealed class ExitCodeTests
{
    [Theory]
    [InlineData("", ExitCode.Done)]
    [InlineData("Succeeded", ExitCode.Done)]
    [InlineData("Skipped Skipped", ExitCode.Done)]
    [InlineData("Succeeded Skipped", ExitCode.Done)]
    [InlineData("Failed", ExitCode.Failed)]
    [InlineData("Failed Skipped", ExitCode.Failed)]
    [InlineData("Planned Skipped", ExitCode.Done)]
    [InlineData("Planned Failed", ExitCode.SomeDomainsFailed)]
    [InlineData("Failed Failed", ExitCode.Failed)]
    [InlineData("Succeeded Failed", ExitCode.SomeDomainsFailed)]
    [InlineData("NeedsManualAction", ExitCode.ManualActionRequired)]
    [InlineData("Succeeded Failed NeedsManualAction Skipped", ExitCode.ManualActionRequired)]
    public void The_worst_outcome_of_a_run_determines_the_exit_code(string outcomes, ExitCode expected)
    {
        JobReport[] jobs =
        [
            .. outcomes.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Enum.Parse<JobOutcome>).Select(
                outcome =>
                new JobReport(new DomainName("web1"), outcome, string.Empty, null, TimeSpan.Zero, [], [], [])),
        ];

        Assert.Equal(
            expected, new RunReport(DateTimeOffset.UnixEpoch, TimeSpan.Zero, RecoveryReport.Nothing, jobs).ExitCode);
    }

    [Theory]
    [InlineData("Succeeded", ExitCode.DamageFound)]
    [InlineData("Succeeded Failed", ExitCode.SomeDomainsFailed)]
    [InlineData("NeedsManualAction", ExitCode.ManualActionRequired)]
    public void A_damaged_earlier_backup_shows_in_the_exit_code_of_a_run_unless_there_is_worse(
        string outcomes, ExitCode expected)
    {
        JobReport[] jobs = [.. outcomes.Split(' ').Select(Enum.Parse<JobOutcome>).Select(outcome =>
            JobReport.Without(new DomainName("web1"), outcome, string.Empty) with { Damages = ["cut"] })];

        Assert.Equal(
            expected, new RunReport(DateTimeOffset.UnixEpoch, TimeSpan.Zero, RecoveryReport.Nothing, jobs).ExitCode);
    }

    [Theory]
    [InlineData(false, true, ExitCode.AlreadyRunning)]
    [InlineData(true, true, ExitCode.SomeDomainsFailed)]
    public void A_run_blocked_only_by_other_runs_ends_with_their_exit_code(
        bool isOtherFailure, bool isLocked, ExitCode expected)
    {
        JobReport good = JobReport.Without(new DomainName("web1"), JobOutcome.Succeeded, string.Empty);
        JobReport met = good with { Outcome = JobOutcome.Failed, IsLocked = isLocked };
        JobReport failed = good with { Outcome = isOtherFailure ? JobOutcome.Failed : JobOutcome.Skipped };

        Assert.Equal(
            expected, new RunReport(DateTimeOffset.UnixEpoch, TimeSpan.Zero, RecoveryReport.Nothing,
                [good, met, failed]).ExitCode);
    }

    [Fact]
    public void The_exit_codes_are_those_documented() => Assert.Equal(
        [0, 1, 2, 3, 4, 5, 11, 130, 141, 143], Enum.GetValues<ExitCode>().Select(code => (int)code));

    [Theory]
    [InlineData(FindingSeverity.Good, ExitCode.Done)]
    [InlineData(FindingSeverity.Warning, ExitCode.Done)]
    [InlineData(FindingSeverity.Bad, ExitCode.Failed)]
    public void The_worst_finding_determines_the_exit_code_of_a_check(FindingSeverity severity, ExitCode expected) =>
        Assert.Equal(
        expected,
        new CheckReport([new("a", FindingSeverity.Good, "b", null), new("c", severity, "d", null)]).ExitCode);
}
