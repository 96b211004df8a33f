using KvmBackup.Configuration;
using KvmBackup.Hypervisor;
using KvmBackup.Planning;
using KvmBackup.Runs.Guests;
using KvmBackup.Runs.Recover;
using Serilog;

namespace KvmBackup.Runs.Backup;

/// <summary>
/// The command <c>run</c> or <c>backup</c>: every domain that is due, then every image, one after the other. A failure
/// affects one domain or image only.
/// </summary>
public sealed class BackupRun(
    HostSettings settings, LibvirtHost host, DomainInventory inventory, ExclusiveRuns runs, GuestsRun guests,
    ImagesRun images, TimeProvider time, ILogger log)
{
    /// <exception cref="KvmBackupException">The run cannot begin: an unknown name, another run, no libvirt.</exception>
    public async Task<RunReport> RunAsync(
        BackupRequest request, IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        DateTimeOffset startedAt = time.GetLocalNow();
        IReadOnlyList<string> unlisted = request is { AllowsUnlisted: true, OnlyDomains: { } names }
            ? BackupPlanner.FindUnlisted(settings, names) : [];
        BackupPlan Plan(HostSettings all, IReadOnlyList<DomainIdentity> domains) => BackupPlanner.Plan(
            all, startedAt.DayOfWeek, request.OnlyDomains, request.Force, request.AllowsUnlisted ? domains : null);

        // A wrong name is reported at once; only if rules or libvirt may have it, libvirt is asked first.
        IReadOnlyList<DomainIdentity> existing = unlisted.Count > 0 ? await ListAsync(cancellationToken) : [];
        bool mayHaveDue = request.AllowsUnlisted ? Plan(settings, existing).HasDue || unlisted.Count > 0
            : settings.Rules.Count > 0 || Plan(settings, existing).HasDue;
        await using ExclusiveRun run = request.IsDryRun ? runs.BeginDryRun(cancellationToken)
            : await runs.BeginAsync(request.Wait, mayHaveDue, cancellationToken);
        IReadOnlyList<DomainIdentity> known = await ListAsync(run.Token);
        IReadOnlyList<DomainSummary> listed = await inventory.TakeAsync(settings, known, run.Token);
        HostSettings complete = DomainChooser.Choose(settings, listed, unlisted).Settings;
        BackupPlan plan = Plan(complete, known);
        List<JobReport> reports = [];
        foreach (PlannedJob job in plan.Jobs)
        {
            reports.AddRange(await IsolateAsync(
                job.Domain.Name.Value,
                async () => [await guests.RunAsync(job, known, request, run.Watcher, progress, run.Token)], run.Token));
        }

        foreach (PlannedImages planned in plan.Images)
        {
            reports.AddRange(await IsolateAsync(
                planned.Selection.Name,
                () => images.RunAsync(planned, complete, listed, request, run.Watcher, progress, run.Token),
                run.Token));
        }

        return new RunReport(startedAt, time.GetElapsedTime(start), run.Recovery, reports);
    }

    /// <summary>An exception of any type from the work on one domain or selection is the failure of that one
    /// alone.</summary>
    private async Task<IReadOnlyList<JobReport>> IsolateAsync(
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

    /// <summary>A host that only backs up images does not require libvirt.</summary>
    private async Task<IReadOnlyList<DomainIdentity>> ListAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await host.ListAsync(cancellationToken);
        }
        catch (HypervisorException failure) when (!settings.HasGuests)
        {
            log.Information("No guest is inspected: {Message}", failure.Message);
            return [];
        }
    }
}
