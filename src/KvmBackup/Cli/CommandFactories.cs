using KvmBackup.Runs.Backup;
using KvmBackup.Runs.Compare;
using KvmBackup.Runs.Inspect;
using KvmBackup.Runs.Recover;
using KvmBackup.Runs.Restore;
using KvmBackup.Runs.Retention;

namespace KvmBackup.Cli;

/// <summary>
/// Creates the run of each command on request, so that a backup can be restored on a host without a configuration.
/// </summary>
public sealed record CommandFactories(
    Func<string> BackupDirectoryPath,
    Func<BackupRun> Backup,
    Func<ListRun> List,
    Func<VerifyRun> Verify,
    Func<RestoreRun> Restore,
    Func<SalvageRun> Salvage,
    Func<AssembleRun> Assemble,
    Func<CatRun> Cat,
    Func<CompareRun> Compare,
    Func<PruneRun> Prune,
    Func<CheckRun> Check,
    Func<RecoverRun> Recover,
    Func<SnapshotsRun> Snapshots);
