using KvmBackup.Model;

namespace KvmBackup.Storage;

/// <summary>A checksum file, read.</summary>
/// <param name="Sums">Checksum by file name.</param>
/// <param name="Damages">The lines that are none.</param>
public sealed record ChecksumReading(
    IReadOnlyDictionary<string, string> Sums, IReadOnlyList<ArchiveDamage> Damages);
