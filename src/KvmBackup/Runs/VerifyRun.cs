using KvmBackup.Model;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs;

/// <summary>Verifies one backup, or all there are.</summary>
public sealed class VerifyRun(BackupDirectory target, BackupVerifier verifier, TimeProvider time, ILogger log)
{
    /// <exception cref="KvmBackupException">There is no such backup.</exception>
    public async Task<VerifyReport> RunAsync(
        DomainName domain, string? idPrefix, IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        CompletedBackup backup = target.ForDomain(domain).FindToVerify(idPrefix);
        return new VerifyReport([await VerifyAsync(backup, progress, cancellationToken)], [], false);
    }

    public async Task<VerifyReport> RunAllAsync(
        IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        List<VerifyResult> results = [];
        List<string> unusable = [];
        bool hasDamagedEntry = false;
        foreach (DomainName name in target.ListDomains())
        {
            BackupCatalogue catalogue = target.ForDomain(name).ListToVerify();
            unusable.AddRange(catalogue.Unusable.Select(entry => $"{name}/{entry.Name}: {entry.Reason}"));
            hasDamagedEntry |= catalogue.Unusable.Any(entry => entry.Cause == UnusableCause.Damaged);
            foreach (CompletedBackup backup in catalogue.Backups)
            {
                results.Add(await VerifyAsync(backup, progress, cancellationToken));
            }
        }

        return new VerifyReport(results, unusable, hasDamagedEntry);
    }

    private async Task<VerifyResult> VerifyAsync(
        CompletedBackup backup, IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        IReadOnlyList<ArchiveDamage> damages = await verifier.VerifyAsync(backup, progress, cancellationToken);
        if (damages.Count == 0 && target.ForDomain(backup.Domain).FindFault(backup) is { } fault)
        {
            // Whole in itself, and of no use: what it stands on is missing.
            damages = [new ArchiveDamage(backup.Manifest.Archive.FileName, null, [], fault)];
        }

        log.Information(
            "{Domain}: {Id} {Result}", backup.Domain, backup.Id,
            damages.Count == 0 ? "is whole" : $"is DAMAGED in {damages.Count} place(s)");
        return new VerifyResult(backup, time.GetElapsedTime(start), damages);
    }
}
