using KvmBackup.Archiving;
using KvmBackup.Archiving.Chunks;
using KvmBackup.Storage;
using Microsoft.Win32.SafeHandles;
using Serilog;

namespace KvmBackup.Runs.Archives;

/// <summary>Reads a backup. Its small files are verified first, since they contain names and offsets.</summary>
public sealed class BackupReader : IDisposable
{
    private readonly SafeFileHandle handle;

    private BackupReader(
        CompletedBackup backup, SafeFileHandle handle, ArchiveReader reader, IReadOnlyList<ArchiveDamage> damages)
    {
        this.handle = handle;
        Backup = backup;
        Reader = reader;
        Damages = damages;
    }

    public CompletedBackup Backup { get; }

    public ArchiveReader Reader { get; }

    /// <summary>The damages that do not prevent reading.</summary>
    public IReadOnlyList<ArchiveDamage> Damages { get; }

    /// <exception cref="KvmBackupException">The manifest or the archive is damaged.</exception>
    public static async Task<BackupReader> OpenAsync(
        CompletedBackup backup, ILogger log, CancellationToken cancellationToken)
    {
        IReadOnlyList<ArchiveDamage> damages = BackupIntegrity.VerifyFiles(backup);
        EnsureManifestIntact(backup, damages);
        ManifestArchive archive = backup.Manifest.Archive;
        SafeFileHandle handle = ArchiveFile.Open(backup.DirectoryPath, archive);
        try
        {
            (ArchiveIndex index, ArchiveDamage? damage) =
                await ArchiveFile.FindIndexAsync(handle, backup.DirectoryPath, archive, damages, cancellationToken);
            damages = damage is null ? damages : [.. damages, damage];
            if (damages.Any(other => other.File == archive.IndexFileName))
            {
                log.Warning("{Domain}: the index of {Id} was rebuilt from the archive", backup.Domain, backup.Id);
            }

            return new BackupReader(backup, handle, new ArchiveReader(handle, index, archive.Compression), damages);
        }
        catch (Exception)
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Opens a damaged backup for salvage: missing parts are found on reading.</summary>
    /// <exception cref="KvmBackupException">The manifest cannot be read.</exception>
    public static async Task<BackupReader> OpenDamagedAsync(
        CompletedBackup backup, ILogger log, CancellationToken cancellationToken)
    {
        IReadOnlyList<ArchiveDamage> damages = BackupIntegrity.VerifyFiles(backup);
        ManifestArchive archive = backup.Manifest.Archive;
        SafeFileHandle handle = ArchiveFile.Open(backup.DirectoryPath, archive);
        try
        {
            ArchiveIndex index =
                await ArchiveFile.SalvageIndexAsync(handle, backup.DirectoryPath, archive, damages, cancellationToken);
            log.Information("{Domain}: salvaging {Id}", backup.Domain, backup.Id);
            return new BackupReader(backup, handle, new ArchiveReader(handle, index, archive.Compression), damages);
        }
        catch (Exception)
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Finds a member by its name below the domain's folder, such as <c>vda.qcow2</c>.</summary>
    /// <exception cref="RunsException">There is no such member.</exception>
    public ArchiveMember Member(string fileName) => Backup.Manifest.FindMember(fileName)
        ?? throw new RunsException($"{Backup.Domain}@{Backup.Id} does not contain {fileName}.", ExitCode.DamageFound);

    public void Dispose() => handle.Dispose();

    /// <summary>A damaged manifest may contain wrong paths, so nothing is restored from it.</summary>
    private static void EnsureManifestIntact(CompletedBackup backup, IReadOnlyList<ArchiveDamage> damages)
    {
        if (damages.FirstOrDefault(damage => damage.File == BackupFiles.Manifest) is not { } damage)
        {
            return;
        }

        string archive = ShellWord.Quote(Path.Combine(backup.DirectoryPath, backup.Manifest.Archive.FileName));
        throw new RunsException(
            $"{backup.Domain}@{backup.Id}: {damage.File}: {damage.Reason.TrimEnd('.')}. Nothing was restored, since "
                + $"it contains the paths of the files. Restore another backup, or this one manually: `tar -xSf "
                + $"{archive}` , then follow RESTORE.md in it",
            ExitCode.DamageFound);
    }
}
