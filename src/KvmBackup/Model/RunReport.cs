namespace KvmBackup.Model;

/// <summary>What is told about a run.</summary>
public sealed record RunReport(DateTimeOffset StartedAt, TimeSpan Elapsed, RecoveryReport Recovery, IReadOnlyList<JobReport> Jobs)
{
    /// <summary>The code of the worst that happened.</summary>
    public ExitCode ExitCode
    {
        get
        {
            if (Recovery.ExitCode == ExitCode.GuestNeedsPerson || Jobs.Any(job => job.Outcome == JobOutcome.NeedsPerson))
            {
                return ExitCode.GuestNeedsPerson;
            }

            int failed = Jobs.Count(job => job.Outcome == JobOutcome.Failed);
            if (failed > 0 && failed == Jobs.Count(job => job.IsLocked))
            {
                return ExitCode.AlreadyRunning;
            }

            bool anyGood = Jobs.Any(job => job.Outcome is JobOutcome.Succeeded or JobOutcome.Planned);
            return failed == 0 && Jobs.Any(job => job.Damages.Count > 0) ? ExitCode.DamageFound
                : failed == 0 ? ExitCode.Done : anyGood ? ExitCode.SomeDomainsFailed : ExitCode.Failed;
        }
    }
}
