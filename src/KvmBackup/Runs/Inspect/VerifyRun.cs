using KvmBackup.Runs.Archives;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Inspect;

/// <summary>Verifies one backup or all backups.</summary>
public sealed class VerifyRun(BackupDirectory target, BackupVerifier verifier, TimeProvider time, ILogger log)
{
    /// <exception cref="KvmBackupException">There is no such backup.</exception>
    public async Task<VerifyReport> RunAsync(
        DomainName domain, string? idPrefix, VerifyDepth depth, IProgress<TransferProgress>? progress,
        CancellationToken cancellationToken)
    {
        CompletedBackup backup = target.ForDomain(domain).FindToVerify(idPrefix);
        return new VerifyReport(
            [await VerifyAsync(backup, depth, progress, cancellationToken)], [], false)
        { Depth = depth };
    }

    public async Task<VerifyReport> RunAllAsync(
        VerifyDepth depth, IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        List<VerifyResult> results = [];
        List<string> unusable = [];
        bool hasDamagedEntry = false;
        DomainFolders folders = target.ListFolders();
        List<string> unreadable = [.. folders.Unreadable];
        foreach (DomainName name in folders.Names)
        {
            try
            {
                BackupCatalogue catalogue = target.ForDomain(name).ListToVerify();
                unusable.AddRange(catalogue.Unusable.Select(entry => $"{name}/{entry.Name}: {entry.Reason}"));
                hasDamagedEntry |= catalogue.Unusable.Any(entry => entry.Cause == UnusableCause.Damaged);
                foreach (CompletedBackup backup in catalogue.Backups)
                {
                    results.Add(await TryVerifyAsync(backup, depth, progress, cancellationToken));
                }
            }
            catch (StorageException failure)
            {
                // The folder cannot be read; this is not a damaged backup.
                unreadable.Add($"{name}: {failure.Message}");
            }
            catch (Exception failure) when (!Failure.IsInterruption(failure, cancellationToken))
            {
                // The backups of the other domains must still be verified.
                unusable.Add($"{name}: it cannot be verified: {Failure.Describe(failure)}");
                hasDamagedEntry = true;
            }
        }

        return new VerifyReport(results, [.. unusable, .. unreadable], hasDamagedEntry)
        {
            Depth = depth,
            IsIncomplete = unreadable.Count > 0,
        };
    }

    /// <summary>Verifies one backup; a failure does not stop the verification of the next one.</summary>
    private async Task<VerifyResult> TryVerifyAsync(
        CompletedBackup backup, VerifyDepth depth, IProgress<TransferProgress>? progress,
        CancellationToken cancellationToken)
    {
        try
        {
            return await VerifyAsync(backup, depth, progress, cancellationToken);
        }
        catch (Exception failure) when (!Failure.IsInterruption(failure, cancellationToken))
        {
            string reason = $"it cannot be verified: {Failure.Describe(failure)}";
            log.Error("{Domain}: {Id} {Reason}", backup.Domain, backup.Id, reason);
            return new VerifyResult(
                backup, TimeSpan.Zero, [new ArchiveDamage(backup.Manifest.Archive.FileName, null, [], reason)]);
        }
    }

    private async Task<VerifyResult> VerifyAsync(
        CompletedBackup backup, VerifyDepth depth, IProgress<TransferProgress>? progress,
        CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        IReadOnlyList<ArchiveDamage> damages = await verifier.VerifyAsync(backup, depth, progress, cancellationToken);
        if (damages.Count == 0 && target.ForDomain(backup.Domain).FindFault(backup) is { } fault)
        {
            // The backup itself is intact, but unusable: a backup on which it depends is missing.
            damages = [new ArchiveDamage(backup.Manifest.Archive.FileName, null, [], fault)];
        }

        log.Information(
            "{Domain}: {Id} {Result}", backup.Domain, backup.Id,
            damages.Count == 0 ? depth.Unpacks ? "is intact" : "matches its checksums in the parts that were read"
                : $"is DAMAGED in {damages.Count} place(s)");
        return new VerifyResult(backup, time.GetElapsedTime(start), damages);
    }
}
