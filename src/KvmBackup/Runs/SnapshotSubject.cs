using KvmBackup.Configuration;
using KvmBackup.Model;

namespace KvmBackup.Runs;

/// <summary>A domain or an image without a guest, and where snapshots of ours may be for it.</summary>
/// <param name="Identity">The name and UUID of its backups.</param>
/// <param name="Terms">What the configuration wants.</param>
/// <param name="Disks">Its images.</param>
public sealed record SnapshotSubject(
    DomainIdentity Identity, BackupSettings Terms, IReadOnlyList<(DiskTarget Target, RbdLocation Location)> Disks);
