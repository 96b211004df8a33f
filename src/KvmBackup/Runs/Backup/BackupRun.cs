using KvmBackup.Ceph;
using KvmBackup.Configuration;
using KvmBackup.Guarding;
using KvmBackup.Hypervisor;
using KvmBackup.Planning;
using KvmBackup.Runs.Guests;
using KvmBackup.Runs.Recover;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Backup;

/// <summary>A night: every domain that is due, then every image, one after the other. One failure stays its own.</summary>
public sealed class BackupRun(
    HostSettings settings, LibvirtHost host, RecoverRun recover, DiskInventory census, BackupWorkflow course,
    Func<DomainIdentity, DomainSettings, GuestBackup> guest, ImagesRun images, DryRun dryRun, WatcherCommand watch,
    HostShutdown shutdown, ClusterKeys keys, TimeProvider time, ILogger log)
{
    /// <exception cref="KvmBackupException">The run cannot begin: an unknown name, another run, no libvirt.</exception>
    public async Task<RunReport> RunAsync(
        BackupRequest request, IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        DateTimeOffset startedAt = time.GetLocalNow();
        BackupPlan Plan(HostSettings all) =>
            BackupPlanner.Plan(all, startedAt.DayOfWeek, request.OnlyDomains, request.Force);

        // A name that is wrong is told at once; where pools choose, libvirt must say first which names there are.
        bool mayHaveDue = settings.ByPool.Count > 0 || Plan(settings).HasDue;
        using RunLock? held = request.IsDryRun ? null
            : await RunLock.AcquireAsync(settings.StateDirectory, request.Wait, time, cancellationToken);
        bool changesGuests = held is not null && mayHaveDue;
        await using RecoveryWatcher? watcher = changesGuests ? RecoveryWatcher.Arm(watch, log) : null;
        await using ShutdownDelay? delay = changesGuests ? shutdown.Delay(cancellationToken) : null;
        cancellationToken = delay?.Token ?? cancellationToken;
        RecoveryReport recovery = held is null ? RecoveryReport.Nothing : await recover.RecoverAsync(cancellationToken);
        IReadOnlyList<DomainIdentity> known = await ListAsync(cancellationToken);
        IReadOnlyList<DomainDisks> disks = await census.TakeAsync(settings, known, cancellationToken);
        HostSettings complete = DiskInventory.Complete(settings, disks);
        List<JobReport> reports = [];
        try
        {
            BackupPlan plan = Plan(complete);
            foreach (PlannedJob job in plan.Jobs)
            {
                reports.AddRange(await GuardAsync(
                    job.Domain.Name.Value,
                    async () => [await RunJobAsync(job, known, request, watcher, progress, cancellationToken)], cancellationToken));
            }

            foreach (PlannedImages planned in plan.Images)
            {
                reports.AddRange(await GuardAsync(
                    planned.Selection.Name,
                    () => images.RunAsync(planned, complete, disks, request, watcher, progress, cancellationToken), cancellationToken));
            }
        }
        finally
        {
            keys.Forget();
        }

        return new RunReport(startedAt, time.GetElapsedTime(start), recovery, reports);
    }

    /// <summary>Whatever escapes from the work on one domain or selection is its failure alone.</summary>
    private async Task<IReadOnlyList<JobReport>> GuardAsync(
        string name, Func<Task<IReadOnlyList<JobReport>>> work, CancellationToken cancellationToken)
    {
        try
        {
            return await work();
        }
        catch (Exception failure) when (!Failure.IsInterruption(failure, cancellationToken))
        {
            string text = $"NOT BACKED UP: {Failure.Describe(failure)}";
            log.Error("{Domain}: {Text}", name, text);
            return [JobReport.Without(new DomainName(name), JobOutcome.Failed, text)];
        }
    }

    private async Task<JobReport> RunJobAsync(
        PlannedJob job, IReadOnlyList<DomainIdentity> known, BackupRequest request, RecoveryWatcher? watcher,
        IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        DomainName name = job.Domain.Name;
        if (!job.IsDue)
        {
            log.Information("{Domain}: skipped: {Reason}", name, job.Reason);
            return JobReport.Without(name, JobOutcome.Skipped, job.Reason);
        }

        if (cancellationToken.IsCancellationRequested)
        {
            return JobReport.Without(name, JobOutcome.Failed, "NOT BACKED UP: the run was interrupted before its turn");
        }

        DomainIdentity? domain = known.FirstOrDefault(candidate => candidate.Name == name);
        if (domain is null)
        {
            string text = "NOT BACKED UP: it is in the configuration, but libvirt has no such domain "
                + $"({(known.Count == 0 ? "it has none at all" : "it has " + string.Join(", ", known.Select(one => one.Name)))}); "
                + "correct the name or remove the section";
            log.Error("{Domain}: {Text}", name, text);
            return JobReport.Without(name, JobOutcome.Failed, text);
        }

        return request.IsDryRun
            ? await dryRun.RunAsync(domain, job.Domain, job.Reason, cancellationToken)
            : await course.RunAsync(guest(domain, job.Domain), job.Reason, request.Wait, watcher, progress, cancellationToken);
    }

    /// <summary>A host that only has images may do without libvirt.</summary>
    private async Task<IReadOnlyList<DomainIdentity>> ListAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await host.ListAsync(cancellationToken);
        }
        catch (HypervisorException failure) when (settings.Domains.Count + settings.ByPool.Count == 0)
        {
            log.Information("No guest is looked at: {Message}", failure.Message);
            return [];
        }
    }
}
